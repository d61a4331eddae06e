import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isAlive } from '../../deploy/local/leftovers.ts'
import { sharedBroker } from '../helpers/broker.ts'
import { type LoadRun, recounted, startLoad } from '../helpers/load-run.ts'
import { Management } from '../helpers/management.ts'
import { openConnection, queueFor, uniqueName } from '../helpers/queue.ts'
import { waitFor } from '../helpers/wait.ts'
import { readEvents } from '../load/events.ts'
import { readLedger } from '../load/ledger.ts'
import type { LoadReport } from '../load/load-report.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const FOREIGN = join(ROOT, 'test', 'fixtures', 'foreign-worker.mjs')
const FOREIGN_JOBS = ['--type', 'any', '--payload', '{"n":{{n}}}']

async function leftoversOf(broker: Awaited<ReturnType<typeof sharedBroker>>): Promise<string[]> {
  const management = new Management(broker)
  const named = [...(await management.get<{ name: string }[]>('/api/queues'))!]
  named.push(...(await management.get<{ name: string }[]>('/api/exchanges'))!)
  return named.map(({ name }) => name).filter((name) => name.startsWith('load-'))
}

test('the example jobs outlive kills and drains of their workers, and the figures are those of the ledger', async (t) => {
  const broker = await sharedBroker()
  const page = join(tmpdir(), `${uniqueName('load')}.html`)
  t.after(() => rmSync(page, { force: true }))
  const args = ['--jobs', '600', '--rate', '60', '--kill', '2', '--term', '2', '--poison', '2', '--report', page]
  const { code, report, stderr } = await startLoad(t, broker.url, args).ended
  assert.equal(code, 0, stderr)
  const { ok, lost, enqueued, done, dead, kills, terms, left, faults } = report
  assert.deepEqual(
    { ok, lost, enqueued, done, dead, kills, terms, left, faults },
    { ok: true, lost: 0, enqueued: 600, done: 598, dead: 2, kills: 2, terms: 2, left: 0, faults: [] },
  )
  const recount = await recounted(report)
  for (const [name, figure] of Object.entries(recount)) assert.deepEqual(report[name as keyof LoadReport], figure, name)
  const { failed } = await readLedger(report.ledger)
  assert.ok(failed.length >= 4, 'orders that were put off')
  const pids = (await readEvents(report.ledger)).flatMap((event) => (event.event === 'start' ? [event.pid] : []))
  assert.ok(pids.length >= 7, 'three workers and four successors')
  for (const pid of pids) assert.equal(isAlive(pid), false, `the process ${pid} still runs`)
  assert.match(readFileSync(page, 'utf8'), /none of 600 jobs was lost/)
  assert.deepEqual(await leftoversOf(broker), [])
})

test('connections that are cut lose nothing; a queue that was there before stays, and its dead letters with it', async (t) => {
  const broker = await sharedBroker()
  const { queue, connection } = await queueFor(t, broker, { retryLadderMs: [1_000, 5_000] })
  const channel = await connection.createConfirmChannel()
  channel.publish(`${queue}.dead`, '', Buffer.from('old'), { messageId: 'old' })
  await channel.waitForConfirms()
  const args = ['--jobs', '300', '--rate', '50', '--cut', '2', '--queue', queue, '--poison', '1']
  const { code, report, stderr } = await startLoad(t, broker.url, args).ended
  assert.equal(code, 0, stderr)
  assert.deepEqual([report.lost, report.cuts, report.dead], [0, 2, 1])
  assert.equal((await channel.checkQueue(`${queue}.dead`)).messageCount, 2)
  assert.equal((await channel.checkQueue(queue)).messageCount, 0)
})

test('a restart of the broker that it started itself hits jobs in flight and loses none', async (t) => {
  const args = ['--broker', 'rabbitmq', '--jobs', '400', '--rate', '60', '--restart-broker', '1']
  const { code, report, stderr } = await startLoad(t, undefined, args).ended
  assert.equal(code, 0, stderr)
  assert.deepEqual([report.lost, report.restarts], [0, 1])
  assert.match(stderr, /the broker is back after [\d.]+ s; it hung up on \d+ jobs? in flight/)
})

test('a command of another maker that writes the ledger is judged as well, also below a shell', async (t) => {
  const broker = await sharedBroker()
  // A shell that waits for its child: the signals must reach the one that works, as they do in a container.
  const worker = `sh -c '"$0" "$1" & trap "kill -TERM $!; wait $!" TERM; wait $!' ${process.execPath} ${FOREIGN}`
  const args = ['--worker', worker, ...FOREIGN_JOBS, '--jobs', '200', '--rate', '25', '--kill', '2', '--term', '1']
  const { code, report, stderr } = await startLoad(t, broker.url, args).ended
  assert.equal(code, 0, stderr)
  assert.deepEqual([report.lost, report.kills, report.terms], [0, 2, 1])
  const { started } = await readLedger(report.ledger)
  for (const pid of new Set(started.map(({ pid }) => pid))) assert.equal(isAlive(pid), false, `${pid} still runs`)
})

test('workers that are never at work can not be struck, and the run says so', async (t) => {
  const broker = await sharedBroker()
  const args = [
    '--worker',
    `${process.execPath} ${FOREIGN}`,
    ...FOREIGN_JOBS,
    '--jobs',
    '20',
    '--rate',
    '20',
    '--kill',
    '1',
  ]
  const { code, report, stderr } = await startLoad(t, broker.url, args, { WORK_MS: '0' }).ended
  assert.equal(code, 1, stderr)
  assert.deepEqual([report.ok, report.lost, report.kills], [false, 0, 0])
  assert.deepEqual(report.faults, ['kills: asked for 1, 0 hit work in flight; a longer run leaves more time'])
  const strikes = (await readEvents(report.ledger)).filter((event) => event.event === 'strike')
  assert.ok(strikes.every(({ hit }) => hit === 0) && strikes.length === report.voids)
})

test("a user's worker file runs with its own schema, and one that dead-letters a good job has lost it", async (t) => {
  const broker = await sharedBroker()
  const folder = mkdtempSync(join(tmpdir(), 'load-user-'))
  t.after(() => rmSync(folder, { recursive: true }))
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const file = join(folder, 'worker.mjs')
  const [define, errors] = ['define', 'errors'].map((name) => JSON.stringify(join(ROOT, 'worker', `${name}.ts`)))
  writeFileSync(
    file,
    `import { defineJob, defineWorker } from ${define}
     import { PermanentError } from ${errors}
     import * as z from 'zod'
     const one = defineJob({ type: 'one', schema: z.strictObject({ n: z.number() }), handler({ payload }) {
       if (payload.n === 7) throw new PermanentError('no sevens')
     } })
     export default defineWorker({ queue: 'never-used', jobs: [one] })`,
  )
  const args = [file, '--payload', '{"n":{{n}}}', '--jobs', '20', '--workers', '1']
  const { code, report, stderr } = await startLoad(t, broker.url, args).ended
  assert.equal(code, 1, stderr)
  assert.deepEqual([report.enqueued, report.done, report.dead, report.lost], [20, 19, 1, 1])
  assert.match(report.faults.join(), /1 job \(.*-000006\) dead-lettered though not made to fail/)
})

test('a queue that holds jobs, and one with consumers, is refused before anything is begun', async (t) => {
  const broker = await sharedBroker()
  const { queue } = await queueFor(t, broker)
  const channel = await (await openConnection(t, broker.url)).createConfirmChannel()
  channel.sendToQueue(queue, Buffer.from('{}'))
  await channel.waitForConfirms()
  const full = await startLoad(t, broker.url, ['--queue', queue]).ended
  assert.deepEqual([full.code, full.report.ok], [2, false])
  assert.match(full.stderr, /expected an empty queue .*, got 1 jobs on it; every job is counted/)
  await channel.purgeQueue(queue)
  await channel.consume(queue, () => undefined)
  const busy = await startLoad(t, broker.url, ['--queue', queue]).ended
  assert.equal(busy.code, 2)
  assert.match(busy.stderr, /expected nobody else on the queue .*, got 1 consumers?; other workers would take its jobs/)
  assert.equal((await channel.checkQueue(queue)).messageCount, 0)
})

test('an account that may not set up the queue is told what to do', async (t) => {
  const broker = await sharedBroker()
  const management = new Management(broker)
  const user = uniqueName('poor')
  await management.put(`/api/users/${user}`, { password: 'poor', tags: '' })
  t.after(() => management.delete(`/api/users/${user}`))
  await management.put(`/api/permissions/%2F/${user}`, { configure: '^$', write: '.*', read: '.*' })
  const url = new URL(broker.url)
  url.username = user
  url.password = 'poor'
  const { code, stderr } = await startLoad(t, url.href, ['--queue', user]).ended
  assert.equal(code, 1)
  const how =
    /the queue poor-\S+ is not set up; let an account that may do it first: tidemill topology apply --queue poor-/
  assert.match(stderr, how)
  assert.match(stderr, /expected the right to configure it/)
})

test('workers that can not even start end the run with what they said', async (t) => {
  const broker = await sharedBroker()
  const worker = `${process.execPath} -e 'console.error("no licence"); process.exit(3)'`
  const { code, stderr } = await startLoad(t, broker.url, ['--worker', worker, ...FOREIGN_JOBS]).ended
  assert.equal(code, 1)
  assert.match(stderr, /worker-\d ended with exit code 3 before any job was begun; it said:\nno licence/)
  const missing = await startLoad(t, broker.url, ['--worker', './none', ...FOREIGN_JOBS]).ended
  assert.match(
    missing.stderr,
    /worker-\d ended with exit code 127 before any job was begun; it said:\nspawn \.\/none ENOENT/,
  )
  assert.deepEqual(await leftoversOf(broker), [])
})

/** The processes that have begun a job, once there are three of them. */
async function workingPids({ folder }: LoadRun): Promise<number[]> {
  const read = async (): Promise<number[]> => {
    const names = readdirSync(folder).filter((name) => /^tidemill-load-(?!work)/.test(name))
    const entries =
      names.length === 0 ? [] : (await readLedger(join(folder, names[0]!)).catch(() => ({ done: [] }))).done
    return [...new Set(entries.map(({ pid }) => pid))]
  }
  return waitFor('three workers have done a job', async () => (await read()).length >= 3 && read(), {
    timeoutMs: 60_000,
  })
}

test('a load that is asked to end takes everything down', async (t) => {
  const broker = await sharedBroker()
  const run = startLoad(t, broker.url, ['--jobs', '5000'])
  const pids = await workingPids(run)
  run.child.kill('SIGTERM')
  const { code, report } = await run.ended
  assert.deepEqual([code, report], [1, { ok: false, error: 'ended by SIGTERM' }])
  for (const pid of pids) assert.equal(isAlive(pid), false, `the process ${pid} still runs`)
  assert.deepEqual(await leftoversOf(broker), [])
})

test('the workers of a load that was killed are killed as well', async (t) => {
  const broker = await sharedBroker()
  const { queue } = await queueFor(t, broker, { retryLadderMs: [1_000, 5_000] })
  const run = startLoad(t, broker.url, ['--jobs', '5000', '--queue', queue])
  const pids = await workingPids(run)
  run.child.kill('SIGKILL')
  await waitFor('the workers end', () => pids.every((pid) => !isAlive(pid)), { timeoutMs: 30_000 })
})
