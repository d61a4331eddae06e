import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, suite, test } from 'node:test'
import { Installed } from './helpers/tarball.ts'
import { within } from './helpers/wait.ts'

const ROOT = join(import.meta.dirname, '..')
const TSC = join(ROOT, 'node_modules', '.bin', 'tsc')
const MAJORS = [22, 24] as const
const WAIT_MS = 20_000

const WORKER_TS = `
import { type Context, defineJob, defineWorker } from 'tidemill'
import * as z from 'zod'

interface Resources { readonly greeting: string }

export const greet = defineJob({
  type: 'greet',
  schema: z.object({ name: z.string() }),
  async handler(job, { resources }: Context<Resources>) {
    console.log(resources.greeting + ' ' + job.payload.name)
  },
})

export default defineWorker({
  queue: 'greetings',
  concurrency: 7,
  jobs: [greet],
  setup(): Resources {
    console.log('set up')
    return { greeting: 'hello' }
  },
  teardown() {
    console.log('torn down')
  },
})
`

const WORKER_MJS = `
import { defineJob, defineWorker } from 'tidemill'
const job = defineJob({ type: 'greet', async handler() {} })
export default defineWorker({ queue: 'greetings', jobs: [job], setup() { console.log('set up') }, teardown() { console.log('torn down') } })
`

const EMBEDDED_TS = `
import { createProducer, createWorker } from 'tidemill'
import worker, { greet } from './worker.ts'

const embedded = createWorker(worker, { broker: 'memory:' })
await embedded.start()
const producer = createProducer({ broker: 'memory:', queue: 'greetings' })
const settled = new Promise((resolve) => embedded.on('settled', (_message, outcome) => resolve(outcome)))
await producer.enqueue(greet, { name: 'miller' })
console.log(JSON.stringify(await settled))
await producer.close()
console.log(JSON.stringify((await embedded.drain()).abandoned))
`

const FILM_TS = `
import { threadId } from 'node:worker_threads'
import { defineThreadHandler, PermanentError } from 'tidemill/thread'

export const setup = (): string => 'set up in ' + (threadId > 0 ? 'a thread' : 'the process')

export default defineThreadHandler<{ path: string }, string>(({ payload }, { log, resources }) => {
  if (payload.path === '') throw new PermanentError('no such film')
  log.info({}, payload.path + ', ' + resources)
})
`

const FILMS_TS = `
import { defineJob, PermanentError, runJob } from 'tidemill'
import * as z from 'zod'

const film = defineJob({
  type: 'film',
  schema: z.object({ path: z.string() }),
  handler: new URL('./film.ts', import.meta.url),
})
const log = { debug() {}, info: (_: object, line?: string) => console.log(line), warn() {}, error() {} }
await runJob(film, { path: 'a.mkv' }, { log })
await runJob(film, { path: '' }, { log }).catch((error) => console.log(error instanceof PermanentError, error.message))
`

let installed: Installed

before(async () => {
  installed = await Installed.open(MAJORS, ['zod', '@types/node@24'])
  await installed.write('worker.ts', WORKER_TS)
  await installed.write('worker.mjs', WORKER_MJS)
  await installed.write('embedded.ts', EMBEDDED_TS)
  await installed.write('film.ts', FILM_TS)
  await installed.write('films.ts', FILMS_TS)
})

after(() => installed?.remove())

test('the tarball holds what package.json points to, the licence and the changelog, and no test', async () => {
  const manifest = JSON.parse(await installed.read('package.json'))
  const entries = Object.values<Record<string, string> | string>(manifest.exports).flatMap((entry) =>
    typeof entry === 'string' ? [entry] : Object.values(entry),
  )
  for (const file of [...entries, ...Object.values<string>(manifest.bin), 'LICENSE', 'README.md', 'CHANGELOG.md']) {
    assert.notEqual(await installed.read(file), '', file)
  }
  const { output } = await installed.run(24, 'find', 'node_modules/tidemill', '-type', 'f')
  const files = output.trim().split('\n')
  assert.ok(files.length > 50, 'the files are listed')
  const foreign = files.filter((file) =>
    /\.test\.|(?<!\.d)\.ts$|\/(bench|faults|conformance|mutants|helpers)\//.test(file),
  )
  assert.deepEqual(foreign, [])
})

for (const major of MAJORS) {
  suite(`under Node ${major}`, () => {
    test('the command runs by its name and says what it can do', async () => {
      assert.match((await installed.run(major, 'node', '--version')).output, new RegExp(`^v${major}\\.`))
      const { code, output } = await installed.run(major, 'npx', '--no-install', 'tidemill', '--help')
      assert.equal(code, 0, output)
      assert.match(output, /^tidemill <command>/m)
    })

    for (const file of ['worker.ts', 'worker.mjs']) {
      test(`a user's ${file} runs until SIGTERM, then ends with exit code 0`, async () => {
        assert.deepEqual(await runUntilSigterm(major, file), { code: 0, seen: ['set up', 'torn down'] })
      })
    }

    test("a user's settings are read from the worker file", async () => {
      const { code, output } = await installed.run(major, 'tidemill', 'config', './worker.ts', '--broker', 'memory')
      assert.equal(code, 0, output)
      assert.match(output, /concurrency\s.*\b7\b/)
    })

    test('a module runs in a thread', async () => {
      const { code, output } = await installed.run(major, 'node', 'films.ts')
      assert.equal(code, 0, output)
      assert.deepEqual(linesOf(output), ['a.mkv, set up in a thread', 'true no such film'])
    })

    test('an embedded worker runs a job on the memory broker', async () => {
      const { code, output } = await installed.run(major, 'node', 'embedded.ts')
      assert.equal(code, 0, output)
      assert.deepEqual(linesOf(output), ['set up', 'hello miller', '{"kind":"ack"}', 'torn down', '0'])
    })
  })
}

test("the README's example, and a program that imports every entry, compile under strict without skipLibCheck", async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1]
  assert.match(example ?? '', /from 'tidemill'/)
  await installed.write('readme.ts', example!)
  await installed.write(
    'entries.ts',
    "export * as main from 'tidemill'\nexport * as jobs from 'tidemill/handlers'\nexport * as thread from 'tidemill/thread'\n",
  )
  const compilerOptions = {
    target: 'es2024',
    module: 'nodenext',
    types: ['node'],
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    allowImportingTsExtensions: true,
  }
  const files = ['readme.ts', 'entries.ts', 'worker.ts', 'embedded.ts', 'films.ts', 'film.ts']
  await installed.write('tsconfig.json', JSON.stringify({ compilerOptions, files }))
  const { code, output } = await installed.run(24, TSC, '-p', '.')
  assert.equal(output, '')
  assert.equal(code, 0)
})

/** Without Node's warnings. */
function linesOf(output: string): string[] {
  return output.split('\n').filter((line) => line !== '' && !/Warning|--trace-warnings/.test(line))
}

/** Runs a worker on the memory broker, asks it to end once its setup() ran, and says which of the user's lines it wrote. */
async function runUntilSigterm(major: number, file: string): Promise<{ code: number | null; seen: string[] }> {
  // Not through npx, whose handling of signals is not what is tried here.
  const child = installed.start(major, 'tidemill', 'work', file, '--broker', 'memory', '--http-port', '0')
  const closed = once(child, 'close')
  const seen: string[] = []
  const log: string[] = []
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => log.push(chunk))
  createInterface({ input: child.stdout! }).on('line', (line) => {
    log.push(line)
    if (!line.startsWith('{')) seen.push(line)
    if (line === 'set up') child.kill('SIGTERM')
  })
  try {
    const [code] = await within(`${file} ends`, WAIT_MS, closed)
    assert.equal(code, 0, log.join('\n'))
    return { code, seen }
  } finally {
    child.kill('SIGKILL')
  }
}
