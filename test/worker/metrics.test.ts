import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Message, Outcome, WorkerEvent } from '../../worker/contracts.ts'
import { createMetrics, type Metrics } from '../../worker/metrics.ts'
import { METRICS } from '../../worker/metrics-table.ts'

const ACK: Outcome = { kind: 'ack' }

function message(more: Partial<Message> = {}): Message {
  return {
    id: '1',
    idDerived: false,
    type: 'a',
    body: new Uint8Array(),
    headers: {},
    attempt: 1,
    redelivered: false,
    ...more,
  }
}

/** The samples of an exposition, by name and labels. */
async function samples(metrics: { text(): Promise<string> }): Promise<Map<string, number>> {
  const lines = (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

interface RunOptions extends Partial<Message> {
  readonly written?: boolean
  readonly runMs?: number
}

function run(metrics: Metrics, outcome: Outcome, { written = true, runMs = 5, ...more }: RunOptions = {}): void {
  const job = message(more)
  metrics.started(job, job.type, 20)
  metrics.settled(job, job.type, outcome, runMs, written)
}

test('jobs are counted by type and outcome', async () => {
  const metrics = createMetrics({ types: ['a', 'b'], limit: 7 })
  run(metrics, ACK)
  run(metrics, { kind: 'retry', delayMs: 1, reason: 'timeout', counted: true })
  run(metrics, { kind: 'dead', reason: 'permanent' }, { type: 'b' })
  run(metrics, { kind: 'release' })
  run(metrics, ACK, { written: false })
  metrics.started(message(), 'a', undefined)
  const found = await samples(metrics)
  const expected = {
    'tidemill_jobs_started_total{type="a"}': 5,
    'tidemill_jobs_settled_total{type="a",outcome="ack"}': 1,
    'tidemill_jobs_settled_total{type="a",outcome="retry"}': 1,
    'tidemill_jobs_settled_total{type="b",outcome="dead"}': 1,
    'tidemill_jobs_settled_total{type="a",outcome="release"}': 1,
    'tidemill_jobs_settled_total{type="a",outcome="lease-lost"}': 1,
    'tidemill_jobs_retried_total{type="a",reason="timeout"}': 1,
    'tidemill_jobs_dead_total{type="b",reason="permanent"}': 1,
    'tidemill_jobs_in_flight{type="a"}': 1,
    tidemill_jobs_limit: 7,
    'tidemill_job_duration_seconds_count{type="a"}': 4,
    'tidemill_job_queue_wait_seconds_count{type="a"}': 4,
    tidemill_job_attempts_count: 2,
  }
  for (const [name, value] of Object.entries(expected)) assert.equal(found.get(name), value, name)
})

test('scraping twice gives the same figures', async () => {
  const metrics = createMetrics({ types: ['a'], limit: 1 })
  run(metrics, ACK, { redelivered: true, idDerived: true })
  assert.deepEqual(await samples(metrics), await samples(metrics))
})

test('a histogram has the cumulative buckets, the sum and the count of what was observed', async () => {
  const bounds = METRICS.duration.buckets
  const times = fc.array(
    fc.oneof(fc.double({ min: 0, max: 4e6, noNaN: true }), fc.constantFrom(...bounds.map((b) => b * 1_000))),
  )
  await fc.assert(
    fc.asyncProperty(times, async (list) => {
      const metrics = createMetrics({ types: ['a'], limit: 1 })
      for (const runMs of list) run(metrics, ACK, { runMs })
      const found = await samples(metrics)
      for (const bound of bounds) {
        const within = list.filter((runMs) => runMs / 1_000 <= bound).length
        assert.equal(found.get(`tidemill_job_duration_seconds_bucket{type="a",le="${bound}"}`), within)
      }
      assert.equal(found.get('tidemill_job_duration_seconds_count{type="a"}'), list.length)
      const sum = found.get('tidemill_job_duration_seconds_sum{type="a"}')!
      assert.ok(Math.abs(sum - list.reduce((total, runMs) => total + runMs / 1_000, 0)) < 1e-6 * (1 + sum))
    }),
    { numRuns: 50 },
  )
})

test('10,000 hostile payloads leave the number of series unchanged', async () => {
  const metrics = createMetrics({ types: ['a'], limit: 1 })
  const before = (await samples(metrics)).size
  for (let index = 0; index < 10_000; index++) {
    const type = ['__proto__', 'constructor', `t${index}`, `a"}\n{${index}`, '', 'a\n'][index % 6]!
    const hostile = message({ type, id: `id${index}`, headers: { [`h${index}`]: 'x' }, attempt: index })
    metrics.started(hostile, type, index)
    metrics.settled(hostile, type, { kind: 'dead', reason: 'invalid-payload' }, index, index % 2 === 0)
    metrics.event({ name: 'dead', message: hostile, reason: 'crash-loop' })
    metrics.event({ name: 'stuck', message: hostile, type, stuck: 1 })
    metrics.event({ name: 'deferred', message: hostile, type })
    metrics.event({ name: 'late-settlement', message: hostile })
    metrics.event({ name: 'suspect', action: 'moved', message: hostile, crashes: index })
  }
  const after = await samples(metrics)
  assert.equal(after.size, before)
  assert.equal(after.get('tidemill_jobs_dead_total{type="unknown",reason="crash-loop"}'), 10_000)
  assert.equal(after.get('tidemill_jobs_in_flight{type="unknown"}'), 0)
})

const EVENTS: readonly (readonly [event: WorkerEvent, sample: string, value: number])[] = [
  [{ name: 'state', from: 'starting', to: 'running' }, 'tidemill_worker_state{state="running"}', 1],
  [{ name: 'state', from: 'starting', to: 'running' }, 'tidemill_worker_state{state="starting"}', 0],
  [{ name: 'connection', role: 'consume', status: 'connected' }, 'tidemill_connected{role="consume"}', 1],
  [{ name: 'connection', role: 'publish', status: 'failed' }, 'tidemill_connection_failures_total{role="publish"}', 1],
  [{ name: 'consumer-lost', reason: 'x' }, 'tidemill_consumers_lost_total', 1],
  [{ name: 'offsets-missing', topic: 'q', partitions: 4, to: 'earliest' }, 'tidemill_offsets_missing_total', 4],
  [{ name: 'topology-fault', faults: [] }, 'tidemill_topology_faults_total', 1],
  [{ name: 'blocked', blocked: true }, 'tidemill_publish_blocked', 1],
  [{ name: 'held', held: true, jobs: 3 }, 'tidemill_jobs_held', 3],
  [{ name: 'late-settlement', message: message() }, 'tidemill_settlements_late_total', 1],
  [{ name: 'suspect', action: 'moved', message: message(), crashes: 1 }, 'tidemill_suspects_total{action="moved"}', 1],
  [
    { name: 'dead', message: message(), reason: 'crash-loop' },
    'tidemill_jobs_dead_total{type="a",reason="crash-loop"}',
    1,
  ],
  [{ name: 'deferred', message: message(), type: 'a' }, 'tidemill_jobs_deferred_total{type="a"}', 1],
  [{ name: 'stuck', message: message(), type: 'a', stuck: 2 }, 'tidemill_jobs_stuck', 2],
  [{ name: 'stuck', message: message(), type: 'a', stuck: 2 }, 'tidemill_jobs_stuck_total{type="a"}', 1],
  [{ name: 'unstuck', message: message(), type: 'a', stuck: 0 }, 'tidemill_jobs_stuck', 0],
  [
    { name: 'drain', phase: 'finished', inFlight: 0, abandoned: 4, elapsedMs: 1_500 },
    'tidemill_drain_duration_seconds',
    1.5,
  ],
  [
    { name: 'drain', phase: 'finished', inFlight: 0, abandoned: 4, elapsedMs: 1_500 },
    'tidemill_jobs_abandoned_total',
    4,
  ],
]

for (const [event, sample, value] of EVENTS) {
  test(`the event ${event.name} makes ${sample} ${value}, and no new series`, async () => {
    const metrics = createMetrics({ types: ['a'], limit: 1 })
    const before = await samples(metrics)
    metrics.event(event)
    const after = await samples(metrics)
    assert.equal(after.get(sample), value)
    assert.deepEqual([...after.keys()], [...before.keys()])
  })
}

test("every series of a worker has its queue, the process's figures too", async () => {
  const found = await samples(createMetrics({ types: ['a'], limit: 1, queue: 'q"1', processMetrics: true }))
  assert.ok(found.size > 50)
  assert.deepEqual(
    [...found.keys()].filter((name) => !name.includes('queue="q\\"1"')),
    [],
  )
})

test('a drain is as long as it has taken until now, and stays as long as it took', async () => {
  const clock = { now: 5_000 }
  const metrics = createMetrics({ types: [], limit: 1, drainTimeoutMs: 25_000, now: () => clock.now })
  const drain = async () => (await samples(metrics)).get('tidemill_drain_duration_seconds')
  metrics.event({ name: 'drain', phase: 'begun', inFlight: 1, abandoned: 0, elapsedMs: 0 })
  assert.equal(await drain(), 0)
  clock.now += 20_000
  assert.equal(await drain(), 20)
  metrics.event({ name: 'drain', phase: 'finished', inFlight: 0, abandoned: 0, elapsedMs: 21_000 })
  clock.now += 60_000
  assert.equal(await drain(), 21)
  assert.equal((await samples(metrics)).get('tidemill_drain_limit_seconds'), 25)
})

test('the start took as long as the process was old when the worker ran for the first time', async () => {
  const metrics = createMetrics({ types: [], limit: 1, now: () => 1_250 })
  const start = async () => (await samples(metrics)).get('tidemill_start_duration_seconds')
  assert.equal(await start(), 0)
  metrics.event({ name: 'state', from: 'starting', to: 'running' })
  assert.equal(await start(), 1.25)
})

test('the age of the oldest running handler is asked for at each scrape, and 0 where none runs', async () => {
  const metrics = createMetrics({ types: ['a', 'b'], limit: 1 })
  const ages = new Map([['a', 1_500]])
  metrics.watchOldest(() => ages)
  const age = async (type: string) => (await samples(metrics)).get(`tidemill_jobs_oldest_seconds{type="${type}"}`)
  assert.deepEqual([await age('a'), await age('b')], [1.5, 0])
  ages.clear()
  assert.equal(await age('a'), 0)
})

test('a reconnect is a connection after the first of its role', async () => {
  const metrics = createMetrics({ types: [], limit: 1 })
  const tell = (role: 'consume' | 'publish', status: 'connected' | 'lost') =>
    metrics.event({ name: 'connection', role, status })
  tell('consume', 'connected')
  tell('publish', 'connected')
  tell('consume', 'lost')
  tell('consume', 'connected')
  const found = await samples(metrics)
  assert.equal(found.get('tidemill_reconnects_total{role="consume"}'), 1)
  assert.equal(found.get('tidemill_reconnects_total{role="publish"}'), 0)
})

test('two workers in one process have figures of their own', async () => {
  const [one, other] = [createMetrics({ types: ['a'], limit: 1 }), createMetrics({ types: ['a'], limit: 1 })]
  run(one, ACK)
  assert.equal((await samples(other)).get('tidemill_jobs_started_total{type="a"}'), 0)
})

test("the process's figures come without prom-client's event-loop timer", async () => {
  const metrics = createMetrics({ types: [], limit: 1, processMetrics: true, nodeVersion: 'v1' })
  metrics.loopDelay(30)
  metrics.unhandledRejection()
  const found = await samples(metrics)
  assert.ok(found.get('process_cpu_seconds_total')! > 0)
  assert.ok(found.get('process_resident_memory_bytes')! > 0)
  assert.ok([...found.keys()].every((name) => !name.startsWith('nodejs_eventloop_lag')))
  assert.equal(found.get('tidemill_event_loop_delay_seconds_bucket{le="0.025"}'), 0)
  assert.equal(found.get('tidemill_event_loop_delay_seconds_bucket{le="0.05"}'), 1)
  assert.equal(found.get('tidemill_unhandled_rejections_total'), 1)
})

test('every metric of the table is exported under its name, and nothing else of ours', async () => {
  const text = await createMetrics({ types: ['a'], limit: 1 }).text()
  const exported = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`)
  const table = Object.values(METRICS).map(({ name, type }) => `${name} ${type}`)
  assert.deepEqual(exported.sort(), table.sort())
})
