import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Guard, type GuardChange, type GuardReading } from '../../worker/guard.ts'

const WELL: GuardReading = { loopDelayMs: 5, memory: 0.5, heap: 0.3, inFlight: 0 }

/** A guard and its clock: each step is one reading, a second after the one before. */
function guardOf(most: number) {
  const guard = new Guard(most)
  let now = 0
  const observe = (reading: Partial<GuardReading>, seconds = 1): GuardChange[] => {
    const changes: GuardChange[] = []
    for (let second = 0; second < seconds; second++) {
      now += 1_000
      const change = guard.observe({ ...WELL, inFlight: guard.limit, ...reading }, now)
      if (change !== undefined) changes.push(change)
    }
    return changes
  }
  return { guard, observe }
}

const limits = (changes: GuardChange[]) => changes.map(({ to }) => to)

test('while all is well nothing changes', () => {
  const { guard, observe } = guardOf(20)
  assert.deepEqual(observe({}, 60), [])
  assert.equal(guard.limit, 20)
})

for (const [reason, reading] of [
  ['event-loop', { loopDelayMs: 250 }],
  ['memory', { memory: 0.9 }],
  ['heap', { heap: 0.85 }],
] as const) {
  test(`too much (${reason}) halves the limit every five seconds, down to 1 and no further`, () => {
    const { observe } = guardOf(20)
    assert.deepEqual(observe(reading, 1), [{ from: 20, to: 10, reason }])
    assert.deepEqual(observe(reading, 4), [], 'a cut has time to show')
    assert.deepEqual(limits(observe(reading, 60)), [5, 2, 1])
  })
}

test('the heaviest reason is named: memory kills', () => {
  const { observe } = guardOf(20)
  assert.equal(observe({ loopDelayMs: 9_000, heap: 0.99, memory: 0.95 })[0]?.reason, 'memory')
})

test('the cut is of what runs, not of a limit that nothing reaches', () => {
  const { observe } = guardOf(100)
  assert.deepEqual(limits(observe({ memory: 0.95, inFlight: 12 })), [6])
})

test('no further cut is made while jobs above the last one still run', () => {
  const { observe } = guardOf(20)
  observe({ memory: 0.95, inFlight: 20 })
  assert.deepEqual(observe({ memory: 0.95, inFlight: 11 }, 600), [])
  assert.deepEqual(limits(observe({ memory: 0.95, inFlight: 10 })), [5])
})

test('it is raised by a tenth of the concurrency for every ten seconds that all is well, up to the concurrency', () => {
  const { observe } = guardOf(20)
  observe({ memory: 0.95 }, 30)
  assert.deepEqual(observe({}, 10), [])
  assert.deepEqual(observe({}, 1), [{ from: 1, to: 3, reason: 'recovered' }])
  assert.deepEqual(limits(observe({}, 200)), [5, 7, 9, 11, 13, 15, 17, 19, 20])
})

test('between well and too much it stays as it is, and the time of being well begins anew', () => {
  const { guard, observe } = guardOf(10)
  observe({ memory: 0.95 }, 1)
  assert.equal(guard.limit, 5)
  assert.deepEqual(observe({ memory: 0.85 }, 300), [])
  observe({}, 9)
  observe({ loopDelayMs: 150 }, 1)
  assert.deepEqual(observe({}, 10), [])
  assert.deepEqual(limits(observe({}, 1)), [6])
})

test('a container without a limit has no memory to run short of', () => {
  const { observe } = guardOf(10)
  assert.deepEqual(observe({ memory: undefined }, 60), [])
  assert.deepEqual(limits(observe({ memory: undefined, heap: 0.9 })), [5])
})

test('whatever it reads, the limit is from 1 to the concurrency, and each change is told', () => {
  const part = fc.double({ min: 0, max: 2, noNaN: true })
  const reading = fc.record({
    loopDelayMs: fc.double({ min: 0, max: 100_000, noNaN: true }),
    memory: fc.option(part, { nil: undefined }),
    heap: part,
    inFlight: fc.integer({ min: 0, max: 200 }),
    afterMs: fc.integer({ min: 0, max: 60_000 }),
  })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.array(reading, { maxLength: 100 }), (most, readings) => {
      const guard = new Guard(most)
      let now = 0
      let told = most
      for (const { afterMs, ...one } of readings) {
        now += afterMs
        const change = guard.observe(one, now)
        if (change !== undefined) {
          assert.equal(change.from, told)
          assert.equal(change.reason === 'recovered', change.to > change.from)
          told = change.to
        }
        assert.equal(guard.limit, told)
        assert.ok(Number.isInteger(told) && told >= 1 && told <= most)
      }
    }),
  )
})
