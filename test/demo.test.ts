import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import amqp from 'amqplib'
import { isAlive } from '../deploy/local/leftovers.ts'
import { sharedBroker } from './helpers/broker.ts'
import { assertEnds, assertGood, lastLineOf, recounted, startDemo, workingPids } from './helpers/demo-run.ts'
import { Management } from './helpers/management.ts'
import { waitFor } from './helpers/wait.ts'
import type { DemoReport } from './load/demo-report.ts'

test('the demo on the memory broker runs in one process and counts every job', async (t) => {
  const run = await startDemo(t, ['--broker', 'memory', '--orders', '120', '--images', '2', '--json'])
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
  await assertGood(
    await startDemo(t, ['--orders', '200', '--images', '3'], { TIDEMILL_BROKER_URL: broker.url }),
    200,
    3,
  )
  assert.deepEqual(await leftoversOf(broker), [])
})

test('a demo that is asked to end takes everything down', async (t) => {
  const broker = await sharedBroker()
  const run = await startDemo(t, ['--orders', '5000', '--images', '4', '--json'], { TIDEMILL_BROKER_URL: broker.url })
  await assertEnds(run)
  assert.deepEqual(await leftoversOf(broker), [])
})

test('the workers of a demo that was killed end by themselves', async (t) => {
  const broker = await sharedBroker()
  t.after(() => removeQueues(broker))
  const run = await startDemo(t, ['--orders', '5000', '--images', '4'], { TIDEMILL_BROKER_URL: broker.url })
  const pids = await workingPids(run)
  t.after(() => {
    for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  })
  run.child.kill('SIGKILL')
  await waitFor('the workers end', () => pids.every((pid) => !isAlive(pid)), { timeoutMs: 30_000 })
})

test('a faulty call is refused before anything is begun', async (t) => {
  const run = await startDemo(t, ['--orders', 'many'])
  const { code, stderr } = await run.ended
  assert.equal(code, 2)
  assert.match(stderr, /--orders: expected a whole number, got "many"/)
  assert.deepEqual(await readdir(run.folder), [])
})

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
