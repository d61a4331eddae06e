import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { parse } from 'yaml'
import { run } from '../../deploy/local/command.ts'
import { generators } from '../../worker/handlers/generator.ts'
import { orderProcess } from '../../worker/handlers/orders.ts'
import { createProducer } from '../../worker/producer.ts'
import { Stack } from '../helpers/docker/compose.ts'
import { type Engine, startEngine } from '../helpers/docker/engine.ts'
import { Images } from '../helpers/docker/stand-ins.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const OVERRIDES = ['TIDEMILL', 'RABBITMQ', 'KAFKA', 'PROMETHEUS', 'GRAFANA'].map((name) => `${name}_IMAGE`)
const LOAD_JOBS = 600
const log = (line: string) => process.stderr.write(`${line}\n`)

let engine: Engine
let images: Images

before(async () => {
  engine = await startEngine({ install: true, log })
  images = new Images(engine, log)
})

after(() => engine?.stop())

interface Service {
  readonly image: string
  readonly container_name?: string
  readonly ports?: readonly (string | { readonly host_ip?: string })[]
  readonly healthcheck?: object
  readonly profiles?: readonly string[]
}

/** The file as a version of compose reads it, all images replaced. */
const READERS: Readonly<Record<string, (env: readonly string[]) => Promise<string>>> = {
  async 'docker-compose 1.29'(env) {
    const set = Object.fromEntries(env.map((line) => line.split('=') as [string, string]))
    const result = await run('docker-compose', ['config'], {
      timeoutMs: 60_000,
      cwd: ROOT,
      env: { ...engine.env, ...set },
    })
    assert.ok(result.ok, result.fault)
    return result.stdout
  },
  async 'Compose v2'(env) {
    const flags = env.flatMap((line) => ['--env', line])
    const place = ['--network', 'none', '--volume', `${ROOT}:/project:ro`, '--workdir', '/project']
    return engine.docker('run', '--rm', ...place, ...flags, await images.get('compose'), 'config')
  },
}

for (const [reader, read] of Object.entries(READERS)) {
  test(`${reader} reads the file: images by variables, ports on loopback only, whatever scales without a name or a port`, async () => {
    const env = [
      ...OVERRIDES.map((name) => `${name}=replaced/${name.toLowerCase()}`),
      'COMPOSE_PROFILES=rabbitmq,kafka',
    ]
    const { services } = parse(await read(env)) as { services: Record<string, Service> }
    const expected = ['exporter', 'grafana', 'kafka', 'kafka-exporter', 'kafka-topology', 'kafka-worker', 'prometheus']
    assert.deepEqual(Object.keys(services).sort(), [...expected, 'rabbitmq', 'topology', 'worker'])
    for (const [name, service] of Object.entries(services)) {
      assert.match(service.image, /^replaced\//, name)
      assert.equal(service.container_name, undefined, name)
      for (const port of service.ports ?? []) {
        const isLoopback = typeof port === 'string' ? port.startsWith('127.0.0.1:') : port.host_ip === '127.0.0.1'
        assert.ok(isLoopback, `${name} publishes ${JSON.stringify(port)}`)
      }
      if (/worker|exporter/.test(name)) assert.equal(service.ports, undefined, name)
      assert.equal(service.healthcheck !== undefined, !name.endsWith('topology'), `the health check of ${name}`)
    }
  })
}

/** `tidemill load` of this working copy, which brings its own workers, against a broker of the stack. */
async function load(t: TestContext, url: string): Promise<Record<string, unknown>> {
  const ledger = mkdtempSync(join(tmpdir(), 'compose-load-'))
  t.after(() => rmSync(ledger, { recursive: true, force: true }))
  const size = ['--jobs', String(LOAD_JOBS), '--rate', '100', '--workers', '2', '--kill', '1', '--term', '1']
  const args = [join(ROOT, 'bin', 'tidemill.ts'), 'load', ...size, '--ledger', ledger, '--json']
  const foreign = /^(TIDEMILL_|NODE_TEST_CONTEXT$)/
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)))
  const options = { timeoutMs: 240_000, cwd: ROOT, env: { ...env, TIDEMILL_BROKER_URL: url } }
  const { stdout, stderr } = await run(process.execPath, args, options)
  const line = stdout.trimEnd().split('\n').at(-1)
  assert.ok(line, stderr.slice(-4_000))
  return JSON.parse(line)
}

const STACKS = [
  {
    profile: 'rabbitmq',
    prefix: '',
    url: (stack: Stack) => `amqp://tidemill:tidemill@127.0.0.1:${stack.port.RABBITMQ_PORT}`,
  },
  { profile: 'kafka', prefix: 'kafka-', url: (stack: Stack) => `kafka://127.0.0.1:${stack.port.KAFKA_PORT}` },
] as const

for (const { profile, prefix, url } of STACKS) {
  test(`the ${profile} stack comes up, scales, works, is scraped, goes down to no worker, and loses nothing under load`, async (t) => {
    const stack = await Stack.open(t, engine, images, profile)
    const worker = `${prefix}worker`
    await stack.compose('up', '--detach', '--no-build', '--scale', `${worker}=2`)
    await stack.untilHealthy(worker, 2)
    for (const service of [profile, `${prefix}exporter`, 'prometheus', 'grafana']) await stack.untilHealthy(service, 1)

    const jobs = 300
    const producer = createProducer({ broker: url(stack), queue: 'orders' })
    for await (const { id, payload } of generators.orders.generate({ count: jobs, root: '' })) {
      await producer.enqueue(orderProcess, payload, { id })
    }
    await producer.close()
    await stack.untilQuery('sum(tidemill_jobs_settled_total{outcome="ack"})', jobs)
    await stack.untilQuery('count(up{job="tidemill-worker"} == 1)', 2)
    await stack.untilQuery('sum(tidemill_queue_ready{queue="orders"})', 0)
    const dashboards = await (await fetch(`http://127.0.0.1:${stack.port.GRAFANA_PORT}/api/search`)).json()
    assert.ok((dashboards as object[]).length > 0, 'Grafana has the dashboard')

    await stack.compose('up', '--detach', '--no-build', '--scale', `${worker}=0`)
    await stack.untilHealthy(worker, 0)
    const report = await load(t, url(stack))
    const { ok, broker, enqueued, lost, kills, terms } = report
    const expected = { ok: true, broker: profile, enqueued: LOAD_JOBS, lost: 0, kills: 1, terms: 1 }
    assert.deepEqual({ ok, broker, enqueued, lost, kills, terms }, expected, JSON.stringify(report))
  })
}
