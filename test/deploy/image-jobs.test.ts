import assert from 'node:assert/strict'
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { build } from 'esbuild'
import { freePorts } from '../../deploy/local/ports.ts'
import { RabbitmqStage } from '../faults/rabbitmq-stage.ts'
import { Scenario } from '../faults/scenario.ts'
import { sharedBroker } from '../helpers/broker.ts'
import { Container } from '../helpers/docker/container.ts'
import { type Engine, startEngine } from '../helpers/docker/engine.ts'
import { Images } from '../helpers/docker/stand-ins.ts'
import { buildTidemill, type TidemillImages } from '../helpers/docker/tidemill-images.ts'
import { packTarball } from '../helpers/tarball.ts'
import { waitFor } from '../helpers/wait.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const log = (line: string) => process.stderr.write(`${line}\n`)

let engine: Engine
let image: TidemillImages

before(async () => {
  engine = await startEngine({ install: true, log })
  image = await buildTidemill(engine, new Images(engine, log))
})

after(() => engine?.stop())

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'image-jobs-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function edit(file: string, pattern: string | RegExp, by: string): void {
  const text = readFileSync(file, 'utf8')
  const edited = text.replace(pattern, by)
  assert.notEqual(edited, text, `${file} has ${pattern}`)
  writeFileSync(file, edited)
}

/** The worker of the fault tests as one file, as a user would copy it into the image. */
async function bundledWorker(t: TestContext): Promise<string> {
  const outfile = join(folderFor(t), 'worker.js')
  const options = { bundle: true, platform: 'node', format: 'esm', target: 'node24', logLevel: 'warning' } as const
  await build({ ...options, entryPoints: [join(ROOT, 'test', 'faults', 'fault-worker.ts')], outfile })
  return outfile
}

test('docker stop drains a confined worker on a real RabbitMQ: exit 0, nothing lost, nothing run twice', async (t) => {
  const scenario = Scenario.open(t, await RabbitmqStage.open(t, await sharedBroker()), { trickle: { rate: 40 } })
  const worker = await bundledWorker(t)
  // The container's user is another one, and the ledger was begun by this one.
  chmodSync(scenario.folder, 0o777)
  for (const page of readdirSync(scenario.folder)) chmodSync(join(scenario.folder, page), 0o666)
  const start = async () => {
    const [httpPort] = (await freePorts(1)) as [number]
    const container = await Container.start(t, engine, image.base, {
      httpPort,
      args: ['--volume', `${worker}:/app/worker.js:ro`, '--volume', `${scenario.folder}:/ledger`],
      env: { TIDEMILL_BROKER_URL: scenario.stage.url, FAULT_QUEUE: scenario.stage.queue, FAULT_FOLDER: '/ledger' },
    })
    await container.ready()
    return container
  }
  const first = await start()
  scenario.trickle.start()
  await scenario.untilDone(20)
  const busy = await scenario.untilBusy(1)
  assert.equal(await first.stop(), 0, await first.logs())
  assert.equal(await first.inspect('{{.State.OOMKilled}}'), 'false')
  assert.deepEqual([...(await scenario.inFlight())], [], 'all that was in flight was finished')

  const second = await start()
  await scenario.untilDone(20)
  const { verdict } = await scenario.finish()
  assert.equal(await second.stop(), 0, await second.logs())
  assert.deepEqual([verdict.lost, verdict.duplicated, verdict.repeated], [[], [], []])
  t.diagnostic(`${busy.size} jobs in flight at docker stop`)
})

test("the template bundles a user's jobs and builds on the image, which sets up the queue, takes a job and runs it", async (t) => {
  const stage = await RabbitmqStage.open(t, await sharedBroker())
  const folder = folderFor(t)
  cpSync(join(ROOT, 'deploy', 'docker', 'template'), folder, { recursive: true })
  // As published: the registry has no version yet that holds what is being tested.
  const tarball = basename(await packTarball(folder))
  edit(join(folder, 'package.json'), /"tidemill": ".*"/, `"tidemill": "file:./${tarball}"`)
  edit(join(folder, 'Dockerfile'), 'COPY package.json', `COPY ${tarball} package.json`)
  const args = ['--build-arg', `NODE_IMAGE=${image.node}`, '--build-arg', `TIDEMILL_IMAGE=${image.base}`]
  await engine.build('tidemill-test/template', folder, args)

  // The queue has its topology already, so that it can be removed: the command finds nothing to add.
  const env = { TIDEMILL_BROKER_URL: stage.url, TIDEMILL_QUEUE: stage.queue, TIDEMILL_RETRY_LADDER_MS: '200,1000' }
  const once = (...command: string[]) =>
    engine.docker(
      ...['run', '--rm', '--read-only', '--network', 'host'],
      ...Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
      ...['tidemill-test/template', ...command],
    )
  assert.match(await once('topology', 'apply', '/app/worker.js'), /all of this is on the broker now/)
  const [httpPort] = (await freePorts(1)) as [number]
  const container = await Container.start(t, engine, 'tidemill-test/template', { httpPort, env })
  await container.ready()
  await once('enqueue', 'greet', '{"name":"miller"}')
  await waitFor('the job is done', async () => (await container.logs()).includes('"name":"miller"'))
  assert.equal(await container.stop(), 0, await container.logs())
  assert.deepEqual(await stage.left(), [])
})
