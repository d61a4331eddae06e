import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { load as command } from '../../bin/commands/load.ts'
import { parseCall } from '../../bin/parse.ts'
import { tidemill } from '../helpers/command.ts'
import { wordsOf } from '../load/command-line.ts'
import { readLedger } from '../load/ledger.ts'
import type { LoadReport } from '../load/load-report.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const DEFINE = JSON.stringify(join(ROOT, 'worker', 'define.ts'))
const WORKER = `
  import { defineJob, defineWorker } from ${DEFINE}
  import * as z from 'zod'
  const one = defineJob({ type: 'one', schema: z.strictObject({ n: z.number() }), handler() {} })
  const two = defineJob({ type: 'two', async handler() { await new Promise((resolve) => setTimeout(resolve, 20)) } })
  export default defineWorker({ queue: 'q', jobs: JOBS })`

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'load-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'one.mjs'), WORKER.replace('JOBS', '[one]'))
  writeFileSync(join(folder, 'both.mjs'), WORKER.replace('JOBS', '[one, two]'))
  writeFileSync(join(folder, 'two.mjs'), WORKER.replace('JOBS', '[two]'))
  writeFileSync(join(folder, 'payloads'), '{"n":1}\n{"n":2}\n')
  writeFileSync(join(folder, 'trace'), '0\n5\n12\n')
  writeFileSync(join(folder, 'nothing'), '\n')
  writeFileSync(join(folder, 'faulty'), '{"n":1}\n{"n":\n')
  mkdirSync(join(folder, 'full'))
  writeFileSync(join(folder, 'full', 'done.ndjson'), '')
  return folder
}

const MEMORY = ['--broker', 'memory']
const PAYLOAD = ['--payload', '{"n":{{n}}}']

const refused: readonly [what: string, args: readonly string[], message: RegExp][] = [
  ['a number that is none', ['--jobs', 'many'], /--jobs: expected a whole number, got "many"/],
  ['no job', ['--jobs', '0'], /--jobs: expected 1 or more, got 0/],
  ['no worker', ['--workers', '0'], /--workers: expected 1 or more, got 0/],
  ['a rate of nothing', ['--rate', '0'], /--rate: expected jobs a second, above 0, got "0"/],
  ['more poison than jobs', ['--jobs', '5', '--poison', '6'], /--poison: expected at most the 5 jobs, got 6/],
  [
    'a trace that is none',
    ['--trace', 'steedy'],
    /--trace: expected steady, burst, ramp or a file, got "steedy".*steady\?/,
  ],
  ['a trace with a rate', ['--trace', 'trace', '--rate', '5'], /--rate: expected no rate beside a trace from a file/],
  ['a trace without lines', ['--trace', 'nothing'], /nothing: expected a trace, got no line at all/],
  ['two workers', ['one.mjs', '--worker', 'node x.js'], /expected a worker file or --worker, got both/],
  ['a worker file that is not there', ['none.mjs'], /expected a worker file, got none.mjs: there is no such file/],
  ['a command without an end', ['--worker', "node 'x"], /--worker: expected a closing ', got node 'x/],
  [
    'a file without payloads',
    ['one.mjs'],
    /expected the payload of the jobs: --payload JSON or --from SOURCE, got neither/,
  ],
  ['two sources', ['one.mjs', ...PAYLOAD, '--from', 'payloads'], /expected --payload or --from, got both/],
  ['a payload that is no JSON', ['one.mjs', '--payload', '{n}'], /--payload: expected JSON, got/],
  ['a file of payloads that is no JSON', ['one.mjs', '--from', 'faulty'], /faulty, line 2: expected JSON, got/],
  [
    'a file of no payloads',
    ['one.mjs', '--from', 'nothing'],
    /--from: expected one JSON value a line, got none in nothing/,
  ],
  ['two types and none named', ['both.mjs', ...PAYLOAD], /--type: expected the jobs' type, got nothing/],
  ['a command and no type', ['--worker', 'node x.js', ...PAYLOAD], /--type: expected the jobs' type, got nothing/],
  [
    'a type of nobody',
    [...MEMORY, 'one.mjs', '--type', 'three', ...PAYLOAD],
    /--type: expected one that the worker has \(one\), got three/,
  ],
  [
    'a payload that does not fit',
    [...MEMORY, 'one.mjs', '--payload', '{"m":1}'],
    /the payload of job 1 of 1000 does not fit the worker's schema/,
  ],
  [
    'a kill of the memory broker',
    [...MEMORY, '--kill', '1'],
    /--kill: expected a broker that other processes reach, got the memory broker.*--term/,
  ],
  [
    'a restart of the memory broker',
    [...MEMORY, '--restart-broker', '1'],
    /--restart-broker: expected a broker that other/,
  ],
  [
    'a command on the memory broker',
    [...MEMORY, '--worker', 'node x.js', '--type', 'a', ...PAYLOAD],
    /--worker: expected a broker that it can reach/,
  ],
  [
    'a restart of a given broker',
    ['--broker', 'amqp://localhost', '--restart-broker', '1'],
    /--restart-broker: expected a broker that tidemill started itself.*--restart-with/,
  ],
  [
    'a way to restart nothing',
    ['--restart-with', 'true'],
    /--restart-with: expected the URL of the broker that it restarts/,
  ],
  ['a cut of TLS', ['--broker', 'amqps://localhost', '--cut', '1'], /--cut: expected a URL without TLS/],
  ['a report in no folder', ['--report', 'none/report.html'], /--report: expected a file in a folder that is there/],
  [
    'a ledger with something in it',
    [...MEMORY, '--ledger', 'full'],
    /--ledger: expected a folder that is empty or not there, got full/,
  ],
  [
    'a broker of nobody',
    ['--broker', 'redis'],
    /--broker: expected rabbitmq, .*memory or the URL of a broker, got redis/,
  ],
]
for (const [what, args, message] of refused) {
  test(`a call with ${what} is refused`, async (t) => {
    const before = process.cwd()
    process.chdir(folderFor(t))
    t.after(() => process.chdir(before))
    const call = parseCall(command, args, {})
    await assert.rejects(async () => command.run(call), { code: 'USAGE', message })
  })
}

test('what is refused is said as a sentence and as JSON, with exit code 2', async (t) => {
  const { code, stdout, stderr } = await tidemill(['load', '--jobs', '0', '--json'], { cwd: folderFor(t) })
  assert.equal(code, 2)
  assert.match(stderr, /^tidemill load: --jobs: expected 1 or more, got 0\n/)
  assert.deepEqual(JSON.parse(stdout), { ok: false, error: '--jobs: expected 1 or more, got 0' })
})

async function load(t: TestContext, ...args: readonly string[]) {
  const folder = folderFor(t)
  const { code, stdout, stderr } = await tidemill(['load', ...args, '--ledger', 'ledger', '--json'], { cwd: folder })
  const report: LoadReport = JSON.parse(stdout.trimEnd().split('\n').at(-1)!)
  return { code, stderr, report, folder, ledger: await readLedger(join(folder, 'ledger')) }
}

test('a worker file runs on the memory broker, is drained at work, and every job is counted', async (t) => {
  const args = ['two.mjs', '--payload', '{"n":{{n}}}', '--jobs', '120', '--rate', '200', '--term', '2', '--poison', '2']
  const { code, stderr, report, folder, ledger } = await load(t, ...MEMORY, ...args, '--report', 'load.html')
  assert.equal(code, 0, stderr)
  const { ok, broker, enqueued, done, dead, lost, duplicated, orderViolations, kills, terms } = report
  assert.deepEqual(
    { ok, broker, enqueued, done, dead, lost, duplicated, orderViolations, kills, terms },
    {
      ok: true,
      broker: 'memory',
      enqueued: 120,
      done: 118,
      dead: 2,
      lost: 0,
      duplicated: 0,
      orderViolations: 0,
      kills: 0,
      terms: 2,
    },
  )
  assert.deepEqual([ledger.enqueued.length, ledger.done.length, ledger.dead.length], [120, 118, 2])
  assert.match(readFileSync(join(folder, 'load.html'), 'utf8'), /none of 120 jobs was lost/)
  assert.match(stderr, /SIGTERM to worker-\d with \d+ jobs? in flight; worker-\d takes its place/)
})

test('payloads from a file are taken again and again, and a trace from a file has its own times', async (t) => {
  const args = ['one.mjs', '--from', 'payloads', '--trace', 'trace']
  const { code, stderr, report } = await load(t, ...MEMORY, ...args)
  assert.equal(code, 0, stderr)
  assert.deepEqual([report.enqueued, report.done], [3, 3])
  assert.match(stderr, /No strike: this shows throughput, not safety\./)
})

test('a command is split into words as a shell would', () => {
  assert.deepEqual(wordsOf('node  worker.js --n 1'), ['node', 'worker.js', '--n', '1'])
  assert.deepEqual(wordsOf(`sh -c 'a "b" $c' "d 'e'" f\\ g '' h"i"j`), [
    'sh',
    '-c',
    'a "b" $c',
    "d 'e'",
    'f g',
    '',
    'hij',
  ])
  assert.throws(() => wordsOf('  '), /expected a command, got blanks/)
})
