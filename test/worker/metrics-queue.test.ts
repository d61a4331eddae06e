import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Backlog, BacklogReading } from '../../worker/contracts.ts'
import { createQueueMetrics } from '../../worker/metrics-queue.ts'

const READING: BacklogReading = {
  queue: 'q',
  ready: 5,
  unacknowledged: undefined,
  suspects: 1,
  waiting: 2,
  dead: 3,
  consumers: 4,
  published: 100,
  readAt: 1_700_000_000_000,
  via: 'amqp',
}

function setup(read: () => Promise<BacklogReading>) {
  const clock = { now: 0 }
  const errors: unknown[] = []
  const backlog: Backlog = { read, close: async () => {} }
  const metrics = createQueueMetrics({
    queue: 'q',
    backlog,
    cacheMs: 1_000,
    timeoutMs: 50,
    failed: (error) => errors.push(error),
    now: () => clock.now,
  })
  return { clock, errors, metrics }
}

function value(text: string, name: string): string | undefined {
  return new RegExp(`^${name}\\{queue="q"\\} (.*)$`, 'm').exec(text)?.[1]
}

test('a reading is exported, and what could not be known is absent', async () => {
  const text = await setup(async () => READING).metrics.text()
  const figures = { ready: '5', suspects: '1', waiting: '2', dead: '3', consumers: '4', published_total: '100' }
  for (const [name, figure] of Object.entries(figures))
    assert.equal(value(text, `tidemill_queue_${name}`), figure, name)
  assert.equal(value(text, 'tidemill_queue_unacknowledged'), undefined)
  assert.equal(value(text, 'tidemill_queue_read_timestamp_seconds'), '1700000000')
})

test('what is ready in each partition is exported, for as long as there is such a partition', async () => {
  let partitions: BacklogReading['partitions'] = [
    { partition: 0, ready: 2 },
    { partition: 7, ready: 3 },
  ]
  const { metrics, clock } = setup(async () => ({ ...READING, partitions }))
  const figures = async () => (await metrics.text()).match(/^tidemill_queue_partition_ready\{.*$/gm) ?? []
  assert.deepEqual(await figures(), [
    'tidemill_queue_partition_ready{queue="q",partition="0"} 2',
    'tidemill_queue_partition_ready{queue="q",partition="7"} 3',
  ])
  partitions = [{ partition: 7, ready: 0 }]
  clock.now = 1_000
  assert.deepEqual(await figures(), ['tidemill_queue_partition_ready{queue="q",partition="7"} 0'])
  partitions = undefined
  clock.now = 2_000
  assert.deepEqual(await figures(), [])
})

test('a failed reading leaves no figure, not even the last one, and is counted', async () => {
  let fails = false
  const { metrics, clock, errors } = setup(async () => {
    if (fails) throw new Error('broker down')
    return READING
  })
  await metrics.text()
  fails = true
  clock.now = 1_000
  const text = await metrics.text()
  assert.doesNotMatch(text, /^tidemill_queue_(ready|dead|published_total|read_timestamp_seconds)\{/m)
  assert.equal(value(text, 'tidemill_queue_read_errors_total'), '1')
  assert.equal(errors.length, 1)
  fails = false
  assert.equal(value(await metrics.text(), 'tidemill_queue_ready'), '5')
})

test('a reading that takes too long has failed', async () => {
  const { metrics } = setup(() => new Promise(() => {}))
  const text = await metrics.text()
  assert.equal(value(text, 'tidemill_queue_ready'), undefined)
  assert.equal(value(text, 'tidemill_queue_read_errors_total'), '1')
})

test('scrapes that come together or soon after share one reading', async () => {
  let readings = 0
  const { metrics, clock } = setup(async () => {
    readings++
    return { ...READING, ready: readings }
  })
  await Promise.all([metrics.text(), metrics.text(), metrics.text()])
  clock.now = 999
  await metrics.text()
  assert.equal(readings, 1)
  clock.now = 1_000
  assert.equal(value(await metrics.text(), 'tidemill_queue_ready'), '2')
})
