import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { run } from '../../deploy/local/command.ts'
import { freePorts } from '../../deploy/local/ports.ts'
import { Container } from '../helpers/docker/container.ts'
import { type Engine, startEngine } from '../helpers/docker/engine.ts'
import { Images } from '../helpers/docker/stand-ins.ts'
import { buildTidemill, type TidemillImages } from '../helpers/docker/tidemill-images.ts'

const MB = 1_000_000
const log = (line: string) => process.stderr.write(`${line}\n`)

let engine: Engine
let image: TidemillImages

before(async () => {
  engine = await startEngine({ install: true, log })
  image = await buildTidemill(engine, new Images(engine, log))
})

after(() => engine?.stop())

async function inspect<T>(name: string): Promise<T> {
  return JSON.parse(await engine.docker('image', 'inspect', name))[0]
}

interface Inspected {
  readonly Size: number
  readonly RootFS: { readonly Layers: readonly string[] }
  readonly Config: {
    readonly User: string
    readonly Entrypoint: readonly string[]
    readonly Cmd: readonly string[]
    readonly Env: readonly string[]
    readonly Labels: Readonly<Record<string, string>>
  }
}

/** All files of an image, by their paths without the slash at the front. */
async function filesOf(name: string): Promise<string[]> {
  const container = await engine.docker('create', name)
  try {
    const list = ['-c', 'docker export "$1" | tar --list', 'sh', container]
    return (await run('sh', list, { timeoutMs: 60_000, env: engine.env })).stdout.trim().split('\n')
  } finally {
    await engine.docker('rm', container)
  }
}

test('the image is small: our layers at most 6 MB, without jobs at most 150 MB, with the examples at most 175 MB', async (t) => {
  const [runtime, base, examples] = [
    await inspect<Inspected>(image.runtime),
    await inspect<Inspected>(image.base),
    await inspect<Inspected>(image.examples),
  ]
  const figures = { base: base.Size / MB, ours: (base.Size - runtime.Size) / MB, examples: examples.Size / MB }
  t.diagnostic(`MB: ${JSON.stringify(figures)}`)
  assert.ok(figures.ours <= 6, `${figures.ours} MB`)
  assert.ok(figures.base <= 150, `${figures.base} MB`)
  assert.ok(figures.examples <= 175, `${figures.examples} MB`)
})

test('it runs as nobody in particular, in exec form, and says what it is', async () => {
  const { Config } = await inspect<Inspected>(image.base)
  assert.equal(Config.User, '65532:65532')
  assert.equal(Config.Entrypoint[0], '/nodejs/bin/node')
  assert.deepEqual(Config.Cmd, ['work', '/app/worker.js'])
  for (const label of ['title', 'description', 'licenses', 'version', 'revision', 'created']) {
    assert.ok(Config.Labels[`org.opencontainers.image.${label}`], label)
  }
})

test('it has no shell, no package manager, and none of the sources or tests', async () => {
  const files = await filesOf(image.examples)
  assert.ok(files.includes('app/tidemill/tidemill.cjs'))
  assert.ok(files.includes('app/tidemill/LICENSES.txt'))
  const foreign = files.filter((file) =>
    /(^|\/)(sh|bash|dash|busybox|npm|apt|dpkg)$|^(app|src)\/.*\.test\.|^src\//.test(file),
  )
  assert.deepEqual(foreign, [])
})

test('the user can write to nothing of the image but the compile cache and what is meant for it', async () => {
  const program = `
    const { accessSync, constants, readdirSync } = require('node:fs')
    const writable = []
    for (const entry of readdirSync('/app', { recursive: true })) {
      try { accessSync('/app/' + entry, constants.W_OK); writable.push(entry) } catch {}
    }
    console.log(JSON.stringify(writable.filter((entry) => !entry.startsWith('tidemill/compile-cache'))))`
  const output = await engine.docker(
    'run',
    '--rm',
    '--network',
    'none',
    '--entrypoint',
    '/nodejs/bin/node',
    image.examples,
    '-e',
    program,
  )
  assert.deepEqual(JSON.parse(output), [])
})

test('without a worker file it says so and ends with exit code 2', async () => {
  const { code, stderr } = await engine.run(['run', '--rm', '--network', 'none', image.base])
  assert.equal(code, 2)
  assert.match(stderr, /expected a worker file, got \/app\/worker\.js: there is no such file/)
})

for (const limitMb of [256, 1024]) {
  test(`under a limit of ${limitMb} MB the heap is sized by it, and leaves room for the rest`, async () => {
    const { Config } = await inspect<Inspected>(image.base)
    const [node, ...flags] = Config.Entrypoint.slice(0, -1)
    const program = "console.log(require('node:v8').getHeapStatistics().heap_size_limit)"
    const limits = ['--memory', `${limitMb}m`, '--network', 'none']
    const output = await engine.docker(
      'run',
      '--rm',
      ...limits,
      '--entrypoint',
      node!,
      image.base,
      ...flags,
      '-e',
      program,
    )
    const share = Number(output) / (limitMb * 1024 * 1024)
    assert.ok(share > 0.5 && share < 0.8, `the heap may take ${share.toFixed(2)} of the limit`)
  })
}

test('what was compiled when it was built is used, also on a read-only file system', async () => {
  const { stderr } = await engine.run([
    ...['run', '--rm', '--read-only', '--network', 'none', '--env', 'NODE_DEBUG_NATIVE=COMPILE_CACHE'],
    ...[image.base, '--version'],
  ])
  assert.match(stderr, /tidemill\.cjs.* was accepted/)
})

test('how soon it is ready is measured, and it drains from idle with exit code 0', async (t) => {
  for (const cpus of ['0.25', '1']) {
    for (const cache of ['', '/app/tidemill/compile-cache']) {
      const samples: number[] = []
      for (let sample = 0; sample < 3; sample++) samples.push(await readyMs(t, cpus, cache))
      samples.sort((a, b) => a - b)
      const rounded = samples.map((ms) => Math.round(ms)).join(', ')
      t.diagnostic(`ready after ${rounded} ms at ${cpus} CPU, ${cache === '' ? 'without' : 'with'} the compile cache`)
    }
  }
})

/** From the start of the process to the first 200 of /readyz, in ms. */
async function readyMs(t: Parameters<typeof Container.start>[0], cpus: string, cache: string): Promise<number> {
  const [httpPort] = (await freePorts(1)) as [number]
  const container = await Container.start(t, engine, image.examples, {
    httpPort,
    limits: ['--read-only', '--cap-drop', 'ALL', '--memory', '256m', '--cpus', cpus, '--tmpfs', '/data'],
    env: { TIDEMILL_BROKER_URL: 'memory:', EXAMPLES_ROOT: '/data', NODE_COMPILE_CACHE: cache },
  })
  const readyAt = await container.ready()
  const startedAt = Date.parse(await container.inspect('{{.State.StartedAt}}'))
  assert.equal(await container.stop(), 0)
  return readyAt - startedAt
}
