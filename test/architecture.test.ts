import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { importsOf, readSources } from './helpers/imports.ts'
import { breachesOf } from './helpers/layers.ts'

const root = dirname(import.meta.dirname)
const folders = ['bin', 'worker', 'scalers', 'deploy', 'test', '.ci'].filter((folder) => existsSync(join(root, folder)))
const sources = readSources(root, folders)

test('the sources keep to the layers, the rooms and the limit of 300 lines, without an import cycle', () => {
  assert.ok(sources.has('worker/contracts.ts'), 'the sources were found')
  assert.deepEqual(breachesOf(sources), [])
})

test('every form of import is seen', () => {
  const source = [
    "import a, { type b } from './a.ts'",
    'import {',
    '  c,',
    "} from './c.ts'",
    "export * from './d.ts'",
    "export type { e } from './e.ts'",
    "import './f.ts'",
    "const g = await import('./g.ts')",
    "type H = import('./h.ts').H",
    "// import './i.ts'",
    "const text = `import x from './j.ts'`",
  ].join('\n')
  const expected = ['a', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => `./${name}.ts`)
  assert.deepEqual(importsOf(source).sort(), expected)
})

const breaches: [title: string, files: Record<string, string>, expected: RegExp][] = [
  [
    'an import cycle',
    { 'test/a.ts': "import './b.ts'", 'test/b.ts': "import './c.ts'", 'test/c.ts': "import './a.ts'" },
    /^import cycle: test\/a\.ts -> test\/b\.ts -> test\/c\.ts -> test\/a\.ts$/,
  ],
  ['a contract that imports a pure part', { 'worker/contracts.ts': "import './retry.ts'" }, /layer 0 .* layer 1/],
  ['a pure part that imports the pool', { 'worker/retry.ts': "import './pool.ts'" }, /layer 1 .* layer 2/],
  [
    'a pool that imports a broker',
    { 'worker/pool.ts': "import './brokers/memory/index.ts'" },
    /brokers\/index\.ts only/,
  ],
  ['a broker that imports the pool', { 'worker/brokers/memory/source.ts': "import '../../pool.ts'" }, /know the pool/],
  ['a broker that imports another', { 'worker/brokers/memory/a.ts': "import '../rabbitmq/a.ts'" }, /know another/],
  ['a worker that imports a test', { 'worker/pool.ts': "import '../test/load/ledger.ts'" }, /outside its folder/],
  ['a worker that imports the scalers', { 'worker/pool.ts': "import '../scalers/hpa.ts'" }, /outside its folder/],
  [
    'an inner file that imports the public entry',
    { 'worker/main.ts': "import './index.ts'" },
    /not imported from inside/,
  ],
  ['a scaler that imports the pool', { 'scalers/hpa.ts': "import '../worker/pool.ts'" }, /scalers use/],
  ['amqplib outside its room', { 'worker/pool.ts': "import { connect } from 'amqplib'" }, /another room/],
  ['pino outside the log', { 'worker/worker.ts': "import { pino } from 'pino'" }, /another room/],
  ['a package without a room', { 'worker/pool.ts': "import x from 'left-pad/x.js'" }, /no room yet/],
  ['a clock in a pure part', { 'worker/retry.ts': 'const now = Date.now()' }, /reads a clock/],
  ['chance in a pure part', { 'worker/retry.ts': 'const chance = Math.random()' }, /reads a clock/],
  ['a worker that ends the process', { 'worker/worker.ts': 'process.exit(1)' }, /ends the process/],
  ['an adapter that reads the environment', { 'worker/brokers/memory/a.ts': 'process.env.URL' }, /environment/],
  ['a file of 301 lines', { 'test/long.ts': 'let a\n'.repeat(301) }, /has 301 lines/],
  ['a default export', { 'worker/pool.ts': 'export default 1' }, /default export/],
  ['a file of the worker without a layer', { 'worker/utils.ts': '' }, /no layer/],
]

for (const [title, files, expected] of breaches) {
  test(`${title} is a breach`, () => {
    const found = breachesOf(new Map(Object.entries(files)))
    assert.equal(found.length, 1, found.join('\n'))
    assert.match(found[0]!, expected)
  })
}

test('a file of 300 lines, a lower layer, an own room and prose about process.exit are no breach', () => {
  const files = {
    'worker/pool.ts': "import './retry.ts'\nimport pLimit from 'p-limit'\n// never process.exit(1) here\n",
    'worker/retry.ts': "import './errors.ts'",
    'worker/errors.ts': '',
    'worker/main.ts': 'process.exitCode = 2',
    'test/long.ts': 'let a\n'.repeat(300),
  }
  assert.deepEqual(breachesOf(new Map(Object.entries(files))), [])
})
