import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TypeLimits } from '../../worker/type-limits.ts'
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
        new Map([
          ['a', limit],
          ['b', 1],
        ]),
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
  const limits = new TypeLimits(new Map([['a', 1]]), 2, () => now)
  const admit = () => limits.admit('a', new FakeDelivery())
  assert.deepEqual([admit(), admit(), admit(), admit(), admit()], ['run', 'park', 'defer', 'defer', 'park'])
  assert.equal(limits.overflow().length, 0)
  now += 500
  assert.equal(limits.overflow().length, 1)
  assert.equal(limits.parked, 1)
})
