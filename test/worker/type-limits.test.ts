import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sharesOf, TypeLimits } from '../../worker/type-limits.ts'
import { FakeDelivery } from '../helpers/source.ts'

test('whatever comes and goes, a type never runs more than its limit and no delivery is forgotten', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('admit' as const), type: fc.constantFrom('a', 'b', 'free') }),
    fc.record({ do: fc.constant('done' as const), type: fc.constantFrom('a', 'b') }),
    fc.record({ do: fc.constant('overflow' as const), type: fc.constant('') }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), (steps, limit) => {
      let now = 0
      const limits = new TypeLimits(
        [
          { types: ['a'], limit },
          { types: ['b'], limit: 1 },
        ],
        5,
        () => now,
      )
      const running: Record<string, number> = { a: 0, b: 0, free: 0 }
      let held = 0
      for (const { do: action, type } of steps) {
        now += 50
        if (action === 'overflow') held -= limits.overflow().length
        else if (action === 'admit') {
          const admission = limits.admit(type, new FakeDelivery())
          if (type === 'free') assert.equal(admission, 'run')
          if (admission === 'run') running[type]!++
          if (admission === 'park') held++
        } else if (running[type]! > 0) {
          if (limits.done(type) === undefined) running[type]!--
          else held--
        }
        assert.ok(running['a']! <= limit && running['b']! <= 1)
        assert.equal(limits.parked, held)
      }
      assert.equal(limits.clear().length, held)
      assert.equal(limits.parked, 0)
    }),
  )
})

test('deferring is paced: past it, jobs are parked, and given out as time goes by', () => {
  let now = 0
  const limits = new TypeLimits([{ types: ['a'], limit: 1 }], 2, () => now)
  const admit = () => limits.admit('a', new FakeDelivery())
  assert.deepEqual([admit(), admit(), admit(), admit(), admit()], ['run', 'park', 'defer', 'defer', 'park'])
  assert.equal(limits.overflow().length, 0)
  now += 500
  assert.equal(limits.overflow().length, 1)
  assert.equal(limits.parked, 1)
})

test('types of one share have its limit together, and the place of one may go to another', () => {
  const limits = new TypeLimits([{ types: ['a', 'b'], limit: 2 }], 10, () => 0)
  const next = new FakeDelivery({ type: 'b' })
  const admit = (type: string, delivery = new FakeDelivery({ type })) => limits.admit(type, delivery)
  assert.deepEqual(
    [admit('a'), admit('b'), admit('b', next), admit('a'), admit('c')],
    ['run', 'run', 'park', 'defer', 'run'],
  )
  assert.equal(limits.done('a'), next)
  assert.equal(limits.done('b'), undefined)
  assert.deepEqual([admit('a'), admit('b')], ['run', 'park'])
  assert.equal(limits.clear().length, 1)
})

test('types in threads share those, a type with a smaller limit of its own has that, and what binds nobody is left out', () => {
  const job = (type: string, maxConcurrent: number | undefined, inThread = false) => ({ type, maxConcurrent, inThread })
  const jobs = [job('t1', undefined, true), job('t2', 5, true), job('t3', 1, true), job('a', 3), job('b', undefined)]
  assert.deepEqual(sharesOf(jobs, 10, 2), [
    { types: ['t1', 't2'], limit: 2 },
    { types: ['t3'], limit: 1 },
    { types: ['a'], limit: 3 },
  ])
  assert.deepEqual(sharesOf(jobs, 2, 2), [{ types: ['t3'], limit: 1 }])
})
