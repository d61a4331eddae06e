import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { VERSION } from '../../worker/version.ts'
import { tidemill } from '../helpers/command.ts'

const WORKER = 'test/fixtures/scripted-worker.ts'
const NAMES = ['work', 'topology', 'enqueue', 'exporter', 'config']

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'tidemill-bin-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

test('--help lists every command, --version is the version, and both end with 0', async () => {
  const help = await tidemill(['--help'])
  assert.equal(help.code, 0)
  for (const name of NAMES) assert.match(help.stdout, new RegExp(`^  ${name} `, 'm'))
  assert.deepEqual(await tidemill(['--version']), { code: 0, stdout: `${VERSION}\n`, stderr: '' })
})

for (const name of NAMES) {
  test(`tidemill ${name} --help shows its usage and its flags, each with what it is for`, async () => {
    const { code, stdout } = await tidemill([name, '--help'])
    assert.equal(code, 0)
    assert.match(stdout, new RegExp(`^tidemill ${name} `))
    const options = stdout.split('Options:\n')[1]!.split('\n\n')[0]!.split('\n')
    for (const line of options) assert.match(line, /^ {2}--[a-z-]+( [A-Z]+)? {2,}\S.*\.$/)
    assert.ok(
      stdout.split('\n').every((line) => line.length <= 130),
      stdout,
    )
  })
}

test('without a command the list goes to stderr, and the exit code is 2', async () => {
  const { code, stdout, stderr } = await tidemill([])
  assert.deepEqual([code, stdout], [2, ''])
  assert.match(stderr, /Commands:/)
})

const FAULTY: readonly (readonly [args: string[], words: RegExp])[] = [
  [['wrok'], /expected a command, got "wrok"; did you mean work\?/],
  [['constructor'], /expected a command, got "constructor"/],
  [['work'], /expected 1 argument, got none/],
  [['work', 'a.ts', 'b.ts'], /expected 1 argument, got 2/],
  [['work', 'nope.ts'], /expected a worker file, got nope\.ts: there is no such file/],
  [['work', 'test'], /expected a worker file, got test: a folder/],
  [
    ['work', WORKER, '--concurency', '3'],
    /--concurency: expected a known flag, got this one; did you mean --concurrency\?/,
  ],
  [['work', WORKER, '--concurrency'], /--concurrency: expected a value, got none/],
  [['work', WORKER, '--broker', 'memory', '--concurrency', 'x'], /--concurrency: expected a whole number .*, got "x"/],
  [['work', WORKER], /brokerUrl: .*got nothing \(set TIDEMILL_BROKER_URL or --broker\)/],
  [['work', 'worker/version.ts'], /expected 'export default defineWorker.*got no default export, only VERSION/],
  [['topology', 'aply', '--queue', 'q'], /expected apply, verify or print, got "aply"; did you mean apply\?/],
  [['config', '--json=yes'], /--json: expected no value, got one/],
  [['enqueue', 'a', '--queue', 'q'], /expected TYPE and JSON, or --from, got TYPE only/],
  [['enqueue', 'a', '{', '--queue', 'q', '--broker', 'memory'], /JSON: expected JSON, got /],
  [['enqueue', 'a', '--from', 'ordres', '--queue', 'q'], /one of the generators .*did you mean orders\?/],
  [['enqueue', '--from', 'orders', '--queue', 'q'], /--count: expected how many jobs/],
  [['enqueue', 'b', '--from', 'orders', '--count', '1', '--queue', 'q'], /expected order\.process, .* got b/],
  [['enqueue', '--from', 'orders', '--count', '1.5', '--queue', 'q'], /--count: expected a whole number, got "1\.5"/],
]

for (const [args, words] of FAULTY) {
  test(`tidemill ${args.join(' ')} ends with 2 and says why`, async () => {
    const { code, stdout, stderr } = await tidemill(args)
    assert.match(stderr, words)
    assert.deepEqual([code, stdout], [2, ''])
  })
}

test('with --json a failure, of the call or later, is also the last line of stdout', async () => {
  const faulty = await tidemill(['config', '--nope', '--json'])
  const error = '--nope: expected a known flag, got this one'
  assert.deepEqual([faulty.code, JSON.parse(faulty.stdout)], [2, { ok: false, error }])
  const nobody = ['topology', 'verify', '--queue', 'q', '--broker', 'amqp://127.0.0.1:1', '--json']
  const failed = await tidemill(nobody)
  assert.equal(failed.code, 1)
  assert.match(JSON.parse(failed.stdout).error, /127\.0\.0\.1:1/)
})

test('a broker that can not be reached is one line that says where and why', async () => {
  for (const url of ['amqp://127.0.0.1:1', 'kafka://127.0.0.1:1', 'amqp://nobody.invalid']) {
    const { code, stdout, stderr } = await tidemill(['topology', 'verify', '--queue', 'q', '--broker', url])
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^tidemill topology: the broker can't be reached: .*(127\.0\.0\.1:1|nobody\.invalid)\n$/)
  }
})

test('a password on the command line is refused, and not repeated', async () => {
  for (const args of [
    ['--broker', 'amqp://u:hunter22@h'],
    ['--broker-password', 'hunter22'],
    ['--management-url', 'http://u:hunter22@h'],
  ]) {
    const { code, stdout, stderr } = await tidemill(['work', WORKER, ...args])
    assert.equal(code, 2)
    assert.match(stderr, /no password on the command line.* set TIDEMILL_\w+ or TIDEMILL_\w+_FILE/)
    assert.ok(!`${stdout}${stderr}`.includes('hunter22'))
  }
})

test('a worker file that does not load says so with the error of the file', async (t) => {
  const path = folder(t)
  const files = {
    'throws.mjs': [
      "throw new Error('boom at load')",
      /throws\.mjs can't be loaded: boom at load\n.*Error: boom at load/s,
    ],
    'empty.mjs': ['', /got no export at all/],
    'plain.mjs': ['export default { queue: "q", jobs: [] }', /a default export that defineWorker did not make/],
  } as const
  for (const [name, [source, words]] of Object.entries(files)) {
    writeFileSync(join(path, name), source)
    const { code, stderr } = await tidemill(['work', join(path, name), '--broker', 'memory'])
    assert.equal(code, 2)
    assert.match(stderr, words)
  }
})

test('config shows every setting in force and where it comes from, and no secret', async (t) => {
  const path = join(folder(t), 'password')
  writeFileSync(path, 'hunter22\n')
  const env = {
    TIDEMILL_BROKER_URL: 'amqp://user@host',
    TIDEMILL_BROKER_PASSWORD_FILE: path,
    TIDEMILL_CONCURRENCY: '3',
  }
  const args = ['config', WORKER, '--log-level', 'warn']
  const table = await tidemill(args, { env })
  assert.equal(table.code, 0)
  for (const row of [
    /^ {2}brokerUrl +amqp:\/\/user@host +env +TIDEMILL_BROKER_URL$/m,
    /^ {2}brokerPassword +\*\*\* +file +TIDEMILL_BROKER_PASSWORD$/m,
    /^ {2}queue +scripted +definition +TIDEMILL_QUEUE$/m,
    /^ {2}concurrency +3 +env +/m,
    /^ {2}logLevel +warn +flag +/m,
    /^ {2}heartbeatMs +15000 +default +/m,
  ]) {
    assert.match(table.stdout, row)
  }
  const { stdout } = await tidemill([...args, '--json'], { env })
  const { ok, settings, cautions } = JSON.parse(stdout)
  assert.equal(ok, true)
  assert.deepEqual(settings.concurrency, { value: 3, origin: 'env', env: 'TIDEMILL_CONCURRENCY' })
  assert.deepEqual(settings.brokerPassword.value, '***')
  assert.deepEqual(cautions, [])
  const latest = ['config', '--broker', 'kafka', '--offset-reset', 'latest', '--queue', 'q']
  assert.match((await tidemill(latest)).stdout, /^Caution: offsetReset is latest: .* are skipped and never run\.$/m)
  assert.ok(!`${table.stdout}${stdout}`.includes('hunter22'))
})

test('config says why a default is what it is where it depends on the container', async () => {
  const args = ['config', WORKER, '--broker', 'memory']
  assert.match((await tidemill(args)).stdout, /^ {2}SETTING +REASON\n {2}concurrency +\S/m)
  const { settings } = JSON.parse((await tidemill([...args, '--json'])).stdout)
  assert.ok(['container', 'default'].includes(settings.concurrency.origin))
  assert.match(settings.concurrency.reason, /CPU/)
})

test('topology print needs no broker', async () => {
  const { code, stdout } = await tidemill([
    'topology',
    'print',
    '--queue',
    'q',
    '--retry-ladder-ms',
    '100,700',
    '--json',
  ])
  assert.equal(code, 0)
  const { items } = JSON.parse(stdout) as { items: { kind: string; name: string }[] }
  const names = items.map(({ kind, name }) => `${kind} ${name}`)
  for (const name of [
    'queue q',
    'queue q.suspects',
    'queue q.dead',
    'queue q.retry.100',
    'queue q.retry.700',
    'exchange q.work',
  ]) {
    assert.ok(names.includes(name), name)
  }
})

test('enqueue takes one job, a file, stdin or a generator', async (t) => {
  const file = join(folder(t), 'jobs.ndjson')
  writeFileSync(file, '{"n":1}\n\n{"n":2}\r\n{"n":3}')
  const target = ['--queue', 'q', '--broker', 'memory', '--json']
  const one = await tidemill(['enqueue', 'a', '{"n":1}', '--id', 'id-1', ...target])
  assert.deepEqual(JSON.parse(one.stdout), { ok: true, queue: 'q', type: 'a', enqueued: 1, id: 'id-1' })
  const calls = [
    [['a', '--from', file], '', 3, 'a'],
    [['a', '--from', file, '--count', '2'], '', 2, 'a'],
    [['a', '--from', '-'], '1\n2\n', 2, 'a'],
    [['--from', 'orders', '--count', '7'], '', 7, 'order.process'],
  ] as const
  for (const [args, stdin, enqueued, type] of calls) {
    const { code, stdout, stderr } = await tidemill(['enqueue', ...args, ...target], { stdin })
    assert.equal(code, 0, stderr)
    assert.deepEqual(JSON.parse(stdout), { ok: true, queue: 'q', type, enqueued })
    assert.match(stderr, new RegExp(`${enqueued}\\D`))
  }
})

test('a line that is no JSON stops the enqueueing, names itself, and the exit code is 1', async () => {
  const args = ['enqueue', 'a', '--from', '-', '--queue', 'q', '--broker', 'memory', '--json']
  const { code, stdout, stderr } = await tidemill(args, { stdin: '1\n2\nnope\n4\n' })
  assert.equal(code, 1)
  const { ok, enqueued, error } = JSON.parse(stdout)
  assert.deepEqual([ok, enqueued], [false, 2])
  assert.match(error, /^stdin, line 3: expected JSON/)
  assert.match(stderr, /stopped after 2 jobs/)
})
