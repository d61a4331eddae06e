import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { WRITTEN } from '../../worker/contracts.ts'
import { defineJob } from '../../worker/define.ts'
import { gate, poolOf, turns } from '../helpers/pool.ts'
import { FakeDelivery, FakeSource } from '../helpers/source.ts'

test('however the limit changes, no job begins above it, none is forgotten and each is settled once', async () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ push: fc.integer({ min: 1, max: 6 }) }) },
    { weight: 2, arbitrary: fc.record({ limit: fc.integer({ min: 1, max: 5 }) }) },
    { weight: 3, arbitrary: fc.record({ finish: fc.integer({ min: 1, max: 4 }) }) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const running: (() => void)[] = []
      const above: string[] = []
      const job = defineJob({
        type: 'job',
        handler: () =>
          new Promise<void>((resolve) => {
            running.push(resolve)
            if (running.length > pool.limit) above.push(`${running.length} of ${pool.limit}`)
          }),
      })
      const pool = poolOf([job], { concurrency: 5 })
      const source = new FakeSource()
      const working = pool.run(source)
      const deliveries: FakeDelivery[] = []
      // Every lane pulls before the first change.
      await turns(2)
      for (const one of steps) {
        if ('push' in one) {
          const pushed = Array.from({ length: one.push }, () => new FakeDelivery())
          deliveries.push(...pushed)
          source.push(...pushed)
        } else if ('limit' in one) pool.limit = one.limit
        else for (const finish of running.splice(0, one.finish)) finish()
        await turns(4)
        const left = deliveries.filter(({ outcomes }) => outcomes.length === 0).length
        assert.ok(
          running.length >= Math.min(left, pool.limit),
          `only ${running.length} of ${left} run, ${pool.limit} may`,
        )
      }
      while (deliveries.some(({ outcomes }) => outcomes.length === 0)) {
        for (const finish of running.splice(0)) finish()
        await turns(2)
      }
      source.end()
      await working
      assert.deepEqual(above, [])
      assert.ok(deliveries.every(({ outcomes }) => outcomes.length === 1 && outcomes[0]!.kind === 'ack'))
    }),
    { numRuns: 150 },
  )
})

test('what runs above a limit that is lowered runs on, and only then the next one begins', async () => {
  const gates = new Map<string, ReturnType<typeof gate>>()
  const job = defineJob({
    type: 'job',
    handler({ id }) {
      const open = gate()
      gates.set(id, open)
      return open.promise
    },
  })
  const pool = poolOf([job], { concurrency: 3 })
  const source = new FakeSource()
  const working = pool.run(source)
  const deliveries = ['a', 'b', 'c', 'd'].map((id) => new FakeDelivery({ id }))
  source.push(...deliveries)
  await turns(4)
  pool.limit = 1
  assert.equal(pool.inFlight, 3)
  for (const id of ['a', 'b']) {
    gates.get(id)!.resolve()
    await turns(4)
    assert.deepEqual([...gates.keys()], ['a', 'b', 'c'], 'd waits')
  }
  gates.get('c')!.resolve()
  await turns(4)
  assert.deepEqual([...gates.keys()], ['a', 'b', 'c', 'd'])
  gates.get('d')!.resolve()
  source.end()
  await working
  assert.deepEqual(
    deliveries.map(({ outcomes }) => outcomes[0]?.kind),
    ['ack', 'ack', 'ack', 'ack'],
  )
})

test('the limit is at least 1 and at most the concurrency', () => {
  const pool = poolOf([defineJob({ type: 'job', handler() {} })], { concurrency: 3 })
  for (const [set, limit] of [
    [0, 1],
    [2, 2],
    [9, 3],
  ] as const) {
    pool.limit = set
    assert.equal(pool.limit, limit)
  }
})

test('what was pulled and waits for a slot is given back by a stop, and what runs is finished', async () => {
  const open = gate()
  const slow = defineJob({ type: 'slow', maxConcurrent: 1, handler: () => open.promise })
  const job = defineJob({ type: 'job', handler: () => open.promise })
  const pool = poolOf([job, slow], { concurrency: 4 })
  const source = new FakeSource()
  const working = pool.run(source)
  await turns(2)
  pool.limit = 2
  const runs = [new FakeDelivery(), new FakeDelivery({ type: 'slow' })]
  const waiting = [new FakeDelivery({ type: 'slow' }), new FakeDelivery()]
  source.push(...runs, ...waiting)
  await turns(6)
  assert.equal(pool.inFlight, 2)
  pool.stop()
  source.end()
  await turns(4)
  const outcomes = (deliveries: FakeDelivery[]) => deliveries.map((one) => one.outcomes.map(({ kind }) => kind))
  assert.deepEqual(outcomes(waiting), [['release'], ['release']])
  open.resolve()
  await working
  assert.deepEqual(outcomes(runs), [['ack'], ['ack']])
  assert.deepEqual(outcomes(waiting), [['release'], ['release']])
})

test('jobs that are there at once and wait for nothing leave the event loop its turns', async () => {
  const source = new FakeSource({ polls: true })
  const seen: number[] = []
  let done = 0
  const job = defineJob({ type: 'job', handler: () => void done++ })
  const count = 10_000
  source.push(...Array.from({ length: count }, (_, id) => new FakeDelivery({ id: String(id) }, undefined, WRITTEN)))
  source.end()
  const working = poolOf([job]).run(source)
  while (done < count) {
    await turns(1)
    seen.push(done)
  }
  await working
  assert.ok(seen.length >= 5, `${seen.length} turns`)
  assert.ok(seen[0]! < count / 2, `${seen[0]} jobs before the first turn`)
})
