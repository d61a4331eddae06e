import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Observer, WRITTEN } from '../../worker/contracts.ts'
import { defineJob } from '../../worker/define.ts'
import { PermanentError, ShutdownError } from '../../worker/errors.ts'
import { gate, poolOf, turns, UNSEEN } from '../helpers/pool.ts'
import { FakeDelivery, FakeSource } from '../helpers/source.ts'

test('however jobs arrive, wait or are there at once, and end, no more run than the concurrency, and each is settled exactly once', async () => {
  const concurrencies = fc.integer({ min: 1, max: 5 })
  const step = fc.record({ delay: fc.integer({ min: 0, max: 3 }), fails: fc.boolean(), atOnce: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(
      concurrencies,
      fc.array(step, { maxLength: 40 }),
      fc.boolean(),
      async (concurrency, steps, polls) => {
        let running = 0
        let most = 0
        const job = defineJob({
          type: 'job',
          async handler({ id }) {
            most = Math.max(most, ++running)
            await turns(steps[Number(id)]!.delay)
            running--
            if (steps[Number(id)]!.fails) throw new Error('no')
          },
        })
        const source = new FakeSource({ polls })
        const working = poolOf([job], { concurrency }).run(source)
        const deliveries = steps.map(({ atOnce }, id) => {
          return new FakeDelivery({ id: String(id) }, undefined, atOnce ? WRITTEN : undefined)
        })
        source.push(...deliveries)
        source.end()
        await working
        assert.ok(most <= concurrency, `${most} at once`)
        assert.equal(running, 0)
        for (const [index, { outcomes }] of deliveries.entries()) {
          assert.deepEqual(
            outcomes.map(({ kind }) => kind),
            [steps[index]!.fails ? 'retry' : 'ack'],
          )
        }
      },
    ),
    { numRuns: 200 },
  )
})

test('nothing is pulled while every slot is taken', async () => {
  const open = gate()
  const source = new FakeSource()
  const job = defineJob({ type: 'job', handler: () => open.promise })
  const working = poolOf([job], { concurrency: 2 }).run(source)
  source.push(new FakeDelivery(), new FakeDelivery(), new FakeDelivery())
  await turns(5)
  assert.equal(source.pulled, 2)
  open.resolve()
  source.end()
  await working
  assert.equal(source.pulled, 4)
})

test('of each type, the age of the handler that was begun first is known while it runs', async () => {
  const [first, others] = [gate(), gate()]
  const clock = { now: 0 }
  const source = new FakeSource()
  const handler = ({ id }: { readonly id: string }) => (id === 'first' ? first.promise : others.promise)
  const jobs = [defineJob({ type: 'job', handler }), defineJob({ type: 'other', handler })]
  const pool = poolOf(jobs, { now: () => clock.now })
  const working = pool.run(source)
  for (const [id, type] of [
    ['first', 'job'],
    ['second', 'job'],
    ['third', 'other'],
  ] as const) {
    source.push(new FakeDelivery({ id, type }))
    await turns(5)
    clock.now += 1_000
  }
  assert.deepEqual(Object.fromEntries(pool.oldest), { job: 3_000, other: 1_000 })
  first.resolve()
  await turns(5)
  assert.deepEqual(Object.fromEntries(pool.oldest), { job: 2_000, other: 1_000 })
  others.resolve()
  source.end()
  await working
  assert.equal(pool.oldest.size, 0)
})

test('deliveries that fail end the pool with their error, once what runs is settled', async () => {
  const open = gate()
  const running = new FakeDelivery()
  async function* deliveries() {
    yield running
    throw new Error('fatal')
  }
  const working = poolOf([defineJob({ type: 'job', handler: () => open.promise })]).run(deliveries())
  await turns(3)
  open.resolve()
  await assert.rejects(working, /fatal/)
  assert.equal(running.outcomes[0]!.kind, 'ack')
})

test('an observer that throws does not cost a slot in silence: the pool ends with its error', async () => {
  const source = new FakeSource()
  const observer: Observer = { ...UNSEEN, started: () => assert.fail('a bad observer') }
  const working = poolOf([defineJob({ type: 'job', handler() {} })], { observer }).run(source)
  source.push(new FakeDelivery())
  source.end()
  await assert.rejects(working, /a bad observer/)
})

test('a slot stays taken until the settlement is written', async () => {
  const source = new FakeSource()
  const held = new FakeDelivery()
  const written = Promise.withResolvers<boolean>()
  held.settle = () => written.promise
  const pool = poolOf([defineJob({ type: 'job', handler() {} })], { concurrency: 1 })
  const working = pool.run(source)
  const next = new FakeDelivery()
  source.push(held, next)
  await turns(5)
  assert.equal(next.outcomes.length, 0)
  assert.equal(pool.inFlight, 1)
  written.resolve(true)
  assert.equal((await next.settled).kind, 'ack')
  source.end()
  await working
})

test('a throw that is synchronous, of undefined, or permanent is an outcome, never an exception', async () => {
  const thrown = [
    () => {
      throw new Error('sync')
    },
    () => Promise.reject(undefined),
    () => {
      throw new PermanentError('x')
    },
  ]
  const source = new FakeSource()
  const job = defineJob({ type: 'job', handler: ({ id }) => thrown[Number(id)]!() })
  const working = poolOf([job]).run(source)
  const deliveries = thrown.map((_, id) => new FakeDelivery({ id: String(id) }))
  source.push(...deliveries)
  source.end()
  await working
  assert.deepEqual(
    deliveries.map(({ outcomes }) => outcomes[0]!.kind),
    ['retry', 'retry', 'dead'],
  )
})

test('a job past its timeout is aborted with the reason and retried', async () => {
  const source = new FakeSource()
  let reason: unknown
  const job = defineJob({
    type: 'job',
    handler: (_, { signal }) =>
      new Promise<void>((_, reject) =>
        signal.addEventListener('abort', () => reject((reason = signal.reason)), { once: true }),
      ),
  })
  const working = poolOf([job], { timeoutMs: 10 }).run(source)
  const delivery = new FakeDelivery()
  source.push(delivery)
  const outcome = await delivery.settled
  assert.ok(outcome.kind === 'retry' && outcome.reason === 'timeout')
  assert.match(String(reason), /timeout of 10 ms/)
  source.end()
  await working
})

test('a lost lease aborts exactly the jobs that were held under it', async () => {
  const lost = new AbortController()
  const reasons = new Map<string, unknown>()
  const open = gate()
  const source = new FakeSource()
  const job = defineJob({
    type: 'job',
    async handler({ id }, { signal }) {
      signal.addEventListener('abort', () => reasons.set(id, (signal.reason as { code: string }).code))
      await open.promise
      signal.throwIfAborted()
    },
  })
  const working = poolOf([job]).run(source)
  const gone = [new FakeDelivery({ id: 'a' }, lost.signal), new FakeDelivery({ id: 'b' }, lost.signal)]
  const kept = new FakeDelivery({ id: 'c' })
  source.push(...gone, kept)
  await turns(3)
  lost.abort()
  open.resolve()
  source.end()
  await working
  assert.deepEqual(Object.fromEntries(reasons), { a: 'LEASE_LOST', b: 'LEASE_LOST' })
  assert.deepEqual(
    gone.map(({ outcomes }) => outcomes[0]!.kind),
    ['release', 'release'],
  )
  assert.equal(kept.outcomes[0]!.kind, 'ack')
})

test('a delivery whose lease is gone is not started', async () => {
  let started = 0
  const source = new FakeSource()
  const working = poolOf([defineJob({ type: 'job', handler: () => void started++ })]).run(source)
  source.push(new FakeDelivery({}, AbortSignal.abort()))
  source.end()
  await working
  assert.equal(started, 0)
})

test('abort releases what yields, acknowledges what finishes, and counts the abandoned', async () => {
  const source = new FakeSource()
  const finish = gate()
  const job = defineJob({
    type: 'job',
    async handler({ id }, { signal }) {
      if (id === 'finishes') return finish.promise
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
  })
  const pool = poolOf([job])
  const working = pool.run(source)
  const yields = new FakeDelivery({ id: 'yields' })
  const finishes = new FakeDelivery({ id: 'finishes' })
  source.push(yields, finishes)
  await turns(3)
  pool.abort(new ShutdownError())
  finish.resolve()
  source.end()
  await working
  assert.equal(yields.outcomes[0]!.kind, 'release')
  assert.equal(finishes.outcomes[0]!.kind, 'ack')
  assert.equal(pool.abandoned, 1)
})

test('a message without an id is dead-lettered where that is asked for', async () => {
  const source = new FakeSource()
  const job = defineJob({ type: 'job', handler: () => assert.fail('ran') })
  const working = poolOf([job], { missingId: 'dead-letter' }).run(source)
  const delivery = new FakeDelivery({ idDerived: true })
  source.push(delivery)
  source.end()
  await working
  assert.ok(delivery.outcomes[0]?.kind === 'dead' && delivery.outcomes[0].reason === 'missing-id')
})

test('the observer is told the wait of a first attempt that says when it was enqueued, and no other', async () => {
  const waits: (number | undefined)[] = []
  const source = new FakeSource()
  const observer: Observer = { ...UNSEEN, started: (_message, _type, waitMs) => void waits.push(waitMs) }
  const job = defineJob({ type: 'job', handler() {} })
  const working = poolOf([job], { observer, wallClock: () => 1_500, concurrency: 1 }).run(source)
  source.push(new FakeDelivery({ enqueuedAt: 1_000 }), new FakeDelivery({ enqueuedAt: 2_000 }))
  source.push(new FakeDelivery({ enqueuedAt: 1_000, attempt: 2 }), new FakeDelivery())
  source.end()
  await working
  assert.deepEqual(waits, [500, 0, undefined, undefined])
})

test('the payload that does not fit never reaches the handler', async () => {
  const source = new FakeSource()
  const job = defineJob({ type: 'job', handler: () => assert.fail('ran') })
  const working = poolOf([job]).run(source)
  const delivery = new FakeDelivery({ body: Buffer.from('{') })
  const unknown = new FakeDelivery({ type: '__proto__' })
  source.push(delivery, unknown)
  source.end()
  await working
  assert.ok(delivery.outcomes[0]?.kind === 'dead' && delivery.outcomes[0].reason === 'invalid-payload')
  assert.ok(unknown.outcomes[0]?.kind === 'retry' && unknown.outcomes[0].reason === 'unknown-type')
})
