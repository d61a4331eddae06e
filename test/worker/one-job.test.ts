import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { memoryBroker } from '../../worker/brokers/memory/index.ts'
import { defineJob, defineWorker } from '../../worker/define.ts'
import { createProducer } from '../../worker/producer.ts'
import { createWorker } from '../../worker/worker.ts'
import { waitFor } from '../helpers/wait.ts'

const LONG_MS = 600_000
let counter = 0

async function setUp(t: TestContext, ids: readonly string[], oneJobWithinMs: number, applied = true) {
  const name = `one-job-${++counter}`
  const memory = memoryBroker(name, { strict: true })
  const begun: string[] = []
  const job = defineJob({
    type: 'job',
    handler({ id }) {
      begun.push(id)
    },
  })
  const definition = defineWorker({ queue: 'q', concurrency: 5, readAhead: 5, jobs: [job] })
  const producer = createProducer({ broker: `memory://${name}`, queue: 'q' })
  const broker = memory.open(createWorker(definition, { broker: `memory://${name}` }).settings, () => {})
  if (applied) await broker.topology().apply()
  for (const id of ids) await producer.enqueue(job, {}, { id })
  const worker = createWorker(definition, { broker: `memory://${name}`, oneJobWithinMs })
  t.after(async () => {
    await worker.drain()
    await producer.close()
    memory.clear()
  })
  return { worker, begun, broker }
}

test('a worker for one job takes one, settles it, ends by itself, and leaves the others untouched', async (t) => {
  const { worker, begun, broker } = await setUp(t, ['a', 'b', 'c'], LONG_MS)
  await worker.start()
  const { abandoned, error } = await worker.finished
  assert.deepEqual([abandoned, error, worker.state], [0, undefined, 'stopped'])
  assert.deepEqual(begun, ['a'])
  const { ready, unacknowledged, dead } = await broker.backlog().read()
  assert.deepEqual([ready, unacknowledged, dead], [2, 0, 0])
})

test('a worker for one job ends when none comes', async (t) => {
  const { worker, begun } = await setUp(t, [], 20)
  await worker.start()
  const { abandoned, error } = await worker.finished
  assert.deepEqual([abandoned, error, begun], [0, undefined, []])
})

test('a worker for one job waits for a queue that is not there, however long that takes', async (t) => {
  const { worker, begun, broker } = await setUp(t, [], 10, false)
  await worker.start()
  let looks = 0
  await waitFor('the time is over many times', () => ++looks > 10)
  assert.equal(worker.state, 'running')
  await broker.topology().apply()
  await worker.finished
  assert.deepEqual(begun, [])
})

test('a drain ends a worker that waits for its one job', async (t) => {
  const { worker } = await setUp(t, [], LONG_MS)
  await worker.start()
  const { abandoned } = await worker.drain()
  assert.deepEqual([abandoned, worker.state], [0, 'stopped'])
})
