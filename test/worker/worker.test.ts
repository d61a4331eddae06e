import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import * as z from 'zod'
import type { WorkerEvent } from '../../worker/contracts.ts'
import { type Context, defineJob, defineWorker, type FailureReport } from '../../worker/define.ts'
import { PermanentError } from '../../worker/errors.ts'
import { createWorker } from '../../worker/worker.ts'
import { memoryWorker } from '../helpers/memory-worker.ts'
import { gate } from '../helpers/pool.ts'

test('setup finishes before the worker runs, its value reaches the handlers, and teardown comes after the drain', async (t) => {
  const steps: string[] = []
  const ran = gate()
  const job = defineJob({
    type: 'job',
    handler(_, { resources }: Context<{ db: string }>) {
      steps.push(`handler with ${resources.db}`)
      ran.resolve()
    },
  })
  const { worker, enqueue } = memoryWorker(t, {
    jobs: [job],
    async setup() {
      await turn()
      steps.push('setup')
      return { db: 'db' }
    },
    teardown: ({ db }) => void steps.push(`teardown of ${db}`),
  })
  worker.on('event', (event) => {
    if (event.name === 'state') steps.push(event.to)
  })
  await worker.start()
  await enqueue()
  await ran.promise
  const report = await worker.drain()
  assert.equal(report.abandoned, 0)
  assert.equal(report.error, undefined)
  assert.deepEqual(steps, ['setup', 'running', 'handler with db', 'draining', 'teardown of db', 'stopped'])
})

test('a setup that throws fails the worker: start rejects, finished says why, nothing was consumed', async (t) => {
  const { worker, memory, enqueue } = memoryWorker(t, {
    setup() {
      throw new Error('no database')
    },
    teardown: () => assert.fail('there is nothing to tear down'),
  })
  await enqueue()
  await assert.rejects(worker.start(), /no database/)
  const report = await worker.finished
  assert.match(String(report.error), /no database/)
  assert.equal(worker.state, 'stopped')
  assert.equal(memory.ready('q').length, 1)
})

test('a drain lets running jobs finish, starts no other, and leaves the rest on the queue', async (t) => {
  const open = gate()
  const three = gate()
  let started = 0
  const job = defineJob({
    type: 'job',
    async handler() {
      if (++started === 3) three.resolve()
      await open.promise
    },
  })
  const { worker, memory, enqueue } = memoryWorker(t, { jobs: [job] })
  await Promise.all(Array.from({ length: 5 }, () => enqueue()))
  await worker.start()
  await three.promise
  const drained = worker.drain()
  assert.equal(worker.state, 'draining')
  assert.equal(worker.drain(), drained, 'a second drain is the same drain')
  open.resolve()
  const report = await drained
  assert.equal(report.abandoned, 0)
  assert.equal(started, 3)
  assert.equal(memory.ready('q').length, 2)
})

test('at the deadline running jobs are aborted, given back uncounted, and reported as abandoned', async (t) => {
  const started = gate()
  const attempts: number[] = []
  const job = defineJob({
    type: 'job',
    async handler({ attempt }, { signal }) {
      attempts.push(attempt)
      started.resolve()
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
  })
  const { worker, memory, enqueue } = memoryWorker(t, { jobs: [job], drainTimeoutMs: 20 })
  await enqueue()
  await worker.start()
  await started.promise
  const report = await worker.drain()
  assert.equal(report.abandoned, 1)
  assert.deepEqual(attempts, [1])
  assert.equal(memory.ready('q').length, 1)
  assert.equal(memory.ready('q')[0]!.headers?.['tidemill-attempt'], undefined)
})

test('abort does not wait for the deadline, and a handler that ignores it is abandoned too', async (t) => {
  const started = gate()
  const open = gate()
  t.after(() => open.resolve())
  const job = defineJob({
    type: 'job',
    async handler() {
      started.resolve()
      await open.promise
    },
  })
  const { worker, memory, enqueue } = memoryWorker(t, { jobs: [job] }, { settings: { abortGraceMs: 10 } })
  await enqueue()
  await worker.start()
  await started.promise
  worker.abort()
  const report = await worker.finished
  assert.equal(report.abandoned, 1)
  assert.ok(report.elapsedMs < worker.settings.drainTimeoutMs)
  assert.equal(memory.ready('q').length, 1)
})

test('a worker that is drained before it started, or while it sets up, stops without consuming', async (t) => {
  const never = memoryWorker(t, {})
  await never.worker.drain()
  assert.equal(never.worker.state, 'stopped')

  const open = gate()
  const early = memoryWorker(t, { setup: () => open.promise })
  await early.enqueue()
  const starting = early.worker.start()
  const drained = early.worker.drain()
  open.resolve()
  await Promise.all([starting, drained])
  assert.equal(early.worker.state, 'stopped')
  assert.equal(early.memory.ready('q').length, 1)
})

test('hooks are told of retries and deaths, and one that throws harms nothing', async (t) => {
  const reports: unknown[] = []
  const both = gate()
  const record = (report: FailureReport<string> & { delayMs?: number }) => {
    reports.push([report.type, report.reason, report.attempt, report.error, report.delayMs])
    if (reports.length === 2) both.resolve()
    throw new Error('a bad hook')
  }
  const retried = defineJob({
    type: 'retried',
    handler() {
      throw new Error('later')
    },
  })
  const dead = defineJob({
    type: 'dead',
    handler() {
      throw new PermanentError('never')
    },
  })
  const { worker, memory, enqueue } = memoryWorker(t, {
    jobs: [retried, dead],
    onRetry: record,
    onDead: record,
    concurrency: 1,
  })
  await enqueue(retried)
  await enqueue(dead)
  await worker.start()
  await both.promise
  assert.deepEqual(reports, [
    ['retried', 'error', 1, 'later', 1_000],
    ['dead', 'permanent', 1, 'never', undefined],
  ])
  assert.equal(memory.waiting('q').length, 1)
  assert.equal(memory.dead('q').length, 1)
  assert.equal(worker.state, 'running')
})

test('listeners see states, starts and settlements, and are gone after off', async (t) => {
  const { worker, enqueue, memory } = memoryWorker(t, {})
  const seen: string[] = []
  const onEvent = (event: WorkerEvent) => seen.push(event.name)
  const settled = gate()
  worker
    .on('event', onEvent)
    .on('started', (message) => seen.push(`started ${message.id}`))
    .on('settled', (message, outcome, written) => {
      seen.push(`${outcome.kind} ${message.id} ${written}`)
      settled.resolve()
    })
  await enqueue(undefined, {}, 'a')
  await worker.start()
  await settled.promise
  await memory.idle('q')
  worker.off('event', onEvent)
  await worker.drain()
  assert.deepEqual(
    seen.filter((name) => name !== 'connection'),
    ['state', 'started a', 'ack a true'],
  )
})

test('the producer checks the payload against the job before anything is sent', async (t) => {
  const job = defineJob({ type: 'job', schema: z.object({ n: z.number() }), handler() {} })
  const { enqueue, memory, producer } = memoryWorker(t, { jobs: [job] })
  await assert.rejects(enqueue(job, { n: 'x' }), { code: 'INVALID_PAYLOAD' })
  await assert.rejects(producer.enqueue(defineJob({ type: 'u', handler() {} }), undefined), { code: 'INVALID_PAYLOAD' })
  await assert.rejects(producer.enqueue(defineJob({ type: 'u', handler() {} }), 1n), { code: 'INVALID_PAYLOAD' })
  assert.equal(memory.ready('q').length, 0)
  assert.equal(await enqueue(job, { n: 1 }, 'mine'), 'mine')
  const sent = memory.ready('q')[0]!
  assert.deepEqual(JSON.parse(Buffer.from(sent.body).toString()), { n: 1 })
})

test('a job with a codec of its own is encoded and decoded by it', async (t) => {
  const got = Promise.withResolvers<unknown>()
  const codec = {
    contentType: 'text/plain',
    encode: (value: unknown) => Buffer.from(String(value)),
    decode: (body: Uint8Array) => Buffer.from(body).toString(),
  }
  const job = defineJob({ type: 'job', codec, handler: ({ payload }) => got.resolve(payload) })
  const { worker, enqueue } = memoryWorker(t, { jobs: [job] })
  await enqueue(job, 'plain text')
  await worker.start()
  assert.equal(await got.promise, 'plain text')
})

test('settings that do not fit are refused at once, all of them named', () => {
  const definition = defineWorker({ queue: 'q', concurrency: 0, jobs: [defineJob({ type: 'job', handler() {} })] })
  assert.throws(
    () => createWorker(definition, { broker: 'memory:', settings: { readAhead: -1 } }),
    (error) => error instanceof Error && /concurrency/.test(error.message) && /readAhead/.test(error.message),
  )
})

test('workers install no signal handlers', async (t) => {
  const before = process.listenerCount('SIGTERM')
  const { worker } = memoryWorker(t, {})
  await worker.start()
  assert.equal(process.listenerCount('SIGTERM'), before)
})

test('what is allowed and may surprise is warned of at the start', async (t) => {
  const warnings: string[] = []
  const log = { debug() {}, info() {}, error() {}, warn: (_: object, text = '') => void warnings.push(text) }
  const definition = defineWorker({ queue: 'q', jobs: [defineJob({ type: 'job', handler() {} })] })
  const worker = createWorker(definition, {
    broker: 'kafka://127.0.0.1:1',
    settings: { offsetReset: 'latest', connectTimeoutMs: 100, closeTimeoutMs: 500 },
    log,
  })
  t.after(() => worker.drain())
  await worker.start()
  assert.match(warnings.join('\n'), /offsetReset is latest: .* skipped/)
})
