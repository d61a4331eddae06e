import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { WorkerEvent } from '../../worker/contracts.ts'
import { defineJob, defineWorker } from '../../worker/define.ts'
import type { GuardChange } from '../../worker/guard.ts'
import { GuardWatch } from '../../worker/guard-watch.ts'
import { createMetrics } from '../../worker/metrics.ts'
import { createProducer } from '../../worker/producer.ts'
import { createWorker, type Worker } from '../../worker/worker.ts'
import { waitFor, within } from '../helpers/wait.ts'

const CONCURRENCY = 10
const JOBS = 60

test('memory that nears the limit of the container is seen', async (t) => {
  const { promise, resolve } = Promise.withResolvers<GuardChange>()
  const memoryBytes = process.memoryUsage.rss()
  const watch = new GuardWatch({ concurrency: 8, memoryBytes, inFlight: () => 8, changed: resolve })
  t.after(() => watch.stop())
  // The watch holds no process alive, and nothing else does here.
  const alive = setInterval(() => {}, 1_000)
  t.after(() => clearInterval(alive))
  assert.deepEqual(await within('the limit is lowered', 30_000, promise), { from: 8, to: 4, reason: 'memory' })
})

/** A worker whose handlers block the event loop for a quarter of a second each, and all that happens to it. */
async function blockingWorker(t: { after(fn: () => unknown): void }, name: string, guard: 'on' | 'off') {
  let running = 0
  /** The most that ran at once since the last change of the limit had come into force. */
  const seen = { most: 0, limit: CONCURRENCY }
  const events: Extract<WorkerEvent, { name: 'limit' }>[] = []
  const job = defineJob({
    type: 'job',
    async handler() {
      running++
      if (running <= worker.limit) seen.limit = worker.limit
      if (seen.limit === worker.limit) seen.most = Math.max(seen.most, running - worker.limit)
      const until = performance.now() + 250
      while (performance.now() < until);
      await pause(20)
      running--
    },
  })
  const metrics = createMetrics({ types: ['job'], limit: CONCURRENCY, queue: 'q', drainTimeoutMs: 1_000 })
  const broker = `memory://${name}`
  const definition = defineWorker({ queue: 'q', concurrency: CONCURRENCY, jobs: [job] })
  const worker: Worker = createWorker(definition, { broker, settings: { guard }, observer: metrics })
  worker.on('event', (event) => event.name === 'limit' && events.push(event))
  let done = 0
  worker.on('settled', () => done++)
  t.after(async () => {
    worker.abort()
    await worker.finished
  })
  const producer = createProducer({ broker, queue: 'q' })
  await worker.start()
  for (let number = 0; number < JOBS; number++) await producer.enqueue(job, {})
  await producer.close()
  await waitFor('all jobs are done', () => done === JOBS, { timeoutMs: 120_000, everyMs: 200 })
  return { worker, events, seen, text: await metrics.text() }
}

test('an event loop that is always late makes fewer jobs begin, step by step, and the metrics tell', async (t) => {
  const { worker, events, seen, text } = await blockingWorker(t, 'guard-on', 'on')
  const [first] = events
  assert.ok(first !== undefined, 'the limit was lowered')
  assert.deepEqual([first.from, first.to < CONCURRENCY, first.reason], [CONCURRENCY, true, 'event-loop'])
  assert.ok(first.loopDelayMs >= 250)
  for (const [index, { from }] of events.entries()) assert.equal(from, events[index - 1]?.to ?? CONCURRENCY)
  assert.ok(seen.most <= 0, `${seen.most} jobs began above the limit`)
  const reductions = events.filter(({ reason }) => reason === 'event-loop').length
  assert.match(text, new RegExp(`^tidemill_jobs_limit_reductions_total{.*reason="event-loop".*} ${reductions}$`, 'm'))
  assert.match(text, new RegExp(`^tidemill_jobs_limit(?:{[^}]*})? ${worker.limit}$`, 'm'))
  assert.match(text, new RegExp(`^tidemill_jobs_limit_configured(?:{[^}]*})? ${CONCURRENCY}$`, 'm'))
})

test('switched off, it lets them begin', async (t) => {
  const { worker, events } = await blockingWorker(t, 'guard-off', 'off')
  assert.deepEqual([worker.limit, events], [CONCURRENCY, []])
})
