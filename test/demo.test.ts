import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import amqp from 'amqplib'
import { isAlive } from '../deploy/local/leftovers.ts'
import { sharedBroker } from './helpers/broker.ts'
import { Management } from './helpers/management.ts'
import { waitFor } from './helpers/wait.ts'
import type { DemoReport } from './load/demo-report.ts'
import { type Entry, readLedger } from './load/ledger.ts'

interface Run {
  readonly child: ChildProcess
  /** Where it keeps its files. */
  readonly folder: string
  /** Resolves when it has ended. */
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>
}

async function start(
  t: TestContext,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemill-test-demo-'))
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('TIDEMILL_') && name !== 'NODE_TEST_CONTEXT',
  )
  const child = spawn(process.execPath, [join(import.meta.dirname, '../bin/tidemill.ts'), 'demo', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(inherited), TMPDIR: folder, ...env },
  })
  const [stdout, stderr] = [child.stdout!, child.stderr!].map(async (stream) => {
    let text = ''
    for await (const chunk of stream.setEncoding('utf8')) text += chunk
    return text
  }) as [Promise<string>, Promise<string>]
  const ended = once(child, 'close').then(async ([code]) => ({ code, stdout: await stdout, stderr: await stderr }))
  t.after(() => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    return ended
  })
  return { child, folder, ended }
}

const lastLineOf = (text: string): string => text.trimEnd().split('\n').at(-1)!
const idsOf = (entries: readonly Entry[]): string[] => entries.map(({ id }) => id).sort()

async function recounted(report: DemoReport, jobs: number): Promise<readonly Entry[]> {
  const { enqueued, started, done } = await readLedger(report.ledger)
  assert.equal(enqueued.length, jobs + 1)
  assert.equal(new Set(idsOf(enqueued)).size, jobs + 1)
  const good = idsOf(enqueued).filter((id) => id !== 'order-poison')
  assert.deepEqual(idsOf(done), good)
  assert.deepEqual(idsOf(started), good)
  return done
}

test('the demo on the memory broker runs in one process and counts every job', async (t) => {
  const run = await start(t, ['--broker', 'memory', '--orders', '120', '--images', '2', '--json'])
  const { code, stdout, stderr } = await run.ended
  assert.equal(code, 0, stderr)
  assert.match(stderr, /lives in this process/)
  const report: DemoReport = JSON.parse(lastLineOf(stdout))
  const { ledger, sigterm, ...counts } = report
  assert.deepEqual(counts, {
    ok: true,
    broker: 'memory',
    enqueued: 123,
    done: 122,
    dead: 1,
    deadIds: ['order-poison'],
    plantedIds: ['order-poison'],
    lost: 0,
    duplicated: 0,
    left: 0,
  })
  assert.ok(sigterm.inFlight >= 1 && sigterm.exitCode === 0, JSON.stringify(sigterm))
  await recounted(report, 122)
  assert.deepEqual(await readdir(run.folder), [ledger.slice(run.folder.length + 1)])
})

test('the demo on RabbitMQ runs worker processes, ends one at work, and leaves nothing but its ledger', async (t) => {
  const broker = await sharedBroker()
  const run = await start(t, ['--orders', '200', '--images', '3'], { TIDEMILL_BROKER_URL: broker.url })
  const { code, stdout, stderr } = await run.ended
  assert.equal(code, 0, stderr)
  assert.equal(lastLineOf(stdout), 'enqueued 204, done 203, dead 1, lost 0, duplicated 0')
  const [, inFlight, exitCode] = /SIGTERM came with (\d+) jobs? in flight; .* exit code (\d+)/.exec(stdout)!
  assert.ok(Number(inFlight) >= 1)
  assert.equal(exitCode, '0')
  const ledger = /Count it yourself: (.+)/.exec(stdout)![1]!
  const done = await recounted({ ledger } as DemoReport, 203)
  const pids = new Set(done.map(({ pid }) => pid))
  // Two for orders and one for images; the successor may come too late for a job.
  assert.ok(pids.size === 3 || pids.size === 4, `${pids.size} processes did jobs`)
  for (const pid of pids) assert.equal(isAlive(pid), false, `the process ${pid} still runs`)
  assert.deepEqual(await readdir(run.folder), [ledger.slice(run.folder.length + 1)])
  assert.deepEqual(await leftoversOf(broker), [])
})

test('a demo that is asked to end takes everything down', async (t) => {
  const broker = await sharedBroker()
  const run = await start(t, ['--orders', '5000', '--images', '4', '--json'], { TIDEMILL_BROKER_URL: broker.url })
  const pids = await workingPids(run)
  run.child.kill('SIGTERM')
  const { code, stdout } = await run.ended
  assert.equal(code, 1)
  assert.deepEqual(JSON.parse(lastLineOf(stdout)), { ok: false, error: 'ended by SIGTERM' })
  for (const pid of pids) assert.equal(isAlive(pid), false, `the process ${pid} still runs`)
  assert.deepEqual(await leftoversOf(broker), [])
})

test('the workers of a demo that was killed end by themselves', async (t) => {
  const broker = await sharedBroker()
  t.after(() => removeQueues(broker))
  const run = await start(t, ['--orders', '5000', '--images', '4'], { TIDEMILL_BROKER_URL: broker.url })
  const pids = await workingPids(run)
  t.after(() => {
    for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  })
  run.child.kill('SIGKILL')
  await waitFor('the workers end', () => pids.every((pid) => !isAlive(pid)), { timeoutMs: 30_000 })
})

test('a faulty call is refused before anything is begun', async (t) => {
  const run = await start(t, ['--orders', 'many'])
  const { code, stderr } = await run.ended
  assert.equal(code, 2)
  assert.match(stderr, /--orders: expected a whole number, got "many"/)
  assert.deepEqual(await readdir(run.folder), [])
})

/** The processes that have done a job, once all three workers have. */
async function workingPids(run: Run): Promise<number[]> {
  const read = async (): Promise<number[]> => {
    const name = (await readdir(run.folder)).find((entry) => entry.startsWith('tidemill-demo-ledger-'))
    if (name === undefined) return []
    const lines = (await readFile(join(run.folder, name, 'done.ndjson'), 'utf8').catch(() => '')).split('\n')
    return [...new Set(lines.slice(0, -1).map((line) => (JSON.parse(line) as Entry).pid))]
  }
  await waitFor('three workers have done a job', async () => (await read()).length >= 3, { timeoutMs: 30_000 })
  return read()
}

async function leftoversOf(broker: Awaited<ReturnType<typeof sharedBroker>>): Promise<string[]> {
  const management = new Management(broker)
  const named = [...(await management.get<{ name: string }[]>('/api/queues'))!]
  named.push(...(await management.get<{ name: string }[]>('/api/exchanges'))!)
  return named.map(({ name }) => name).filter((name) => name.startsWith('demo-'))
}

async function removeQueues(broker: Awaited<ReturnType<typeof sharedBroker>>): Promise<void> {
  const names = await leftoversOf(broker)
  const connection = await amqp.connect(broker.url)
  const channel = await connection.createChannel()
  for (const name of names) {
    // Deleting what is not there is no error: a name is one of both.
    await channel.deleteQueue(name)
    await channel.deleteExchange(name)
  }
  await connection.close()
}
