import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { overtaken } from './load/order.ts'
import { figuresOf, waitsOf } from './load/waits.ts'

const NONE: ReadonlySet<string> = new Set()
const enqueued = ['a1', 'b1', 'a2', 'b2', 'a3', '-1'].map((id) => (id[0] === '-' ? { id } : { id, key: id[0]! }))
const done = (...ids: string[]) => ids.map((id) => ({ id }))

test('jobs of different keys, and those without a key, may pass each other', () => {
  assert.deepEqual(overtaken(enqueued, done('-1', 'b1', 'b2', 'a1', 'a2', 'a3'), NONE), [])
})

test('a job that is done after a later one of its key was overtaken', () => {
  assert.deepEqual(overtaken(enqueued, done('a2', 'b1', 'a3', 'a1', 'b2'), NONE), ['a1'])
  assert.deepEqual(overtaken(enqueued, done('a3', 'a2', 'a1'), NONE), ['a2', 'a1'])
})

test('a job that is done again is not out of order: the first time counts', () => {
  assert.deepEqual(overtaken(enqueued, done('a1', 'a2', 'a1', 'a2', 'a3'), NONE), [])
})

test('a job that failed once has given up its place: neither it nor its neighbours are out of order', () => {
  assert.deepEqual(overtaken(enqueued, done('a2', 'a3', 'a1'), new Set(['a1'])), [])
})

test('a job that nobody enqueued, and one that is missing, say nothing about the order', () => {
  assert.deepEqual(overtaken(enqueued, done('x', 'a1', 'a3'), NONE), [])
})

test('as many are overtaken as stand behind a later one of their key', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 30 }),
      fc.infiniteStream(fc.nat()),
      (keys, noise) => {
        const sent = keys.map((key, index) => ({ id: `${index}`, key }))
        const order = sent.map((job) => ({ job, at: noise.next().value })).toSorted((one, other) => one.at - other.at)
        const finished = order.map(({ job }) => job)
        const expected = finished.filter(({ id, key }, index) =>
          finished.slice(0, index).some((earlier) => earlier.key === key && Number(earlier.id) > Number(id)),
        )
        assert.deepEqual(
          overtaken(sent, finished, NONE),
          expected.map(({ id }) => id),
        )
      },
    ),
  )
})

test('a wait is the time from the confirm to the first begin, and never below 0', () => {
  const entry = (id: string, t: number) => ({ id, pid: 1, t })
  const waits = waitsOf({
    enqueued: [entry('a', 100), entry('b', 200), entry('c', 300)],
    started: [entry('b', 190), entry('a', 150), entry('a', 400)],
  })
  assert.deepEqual(waits, [
    { enqueuedAt: 100, waitMs: 50 },
    { enqueuedAt: 200, waitMs: 0 },
  ])
})

test('percentiles are the waits of jobs that there were; of none there are none', () => {
  const waits = Array.from({ length: 200 }, (_, index) => ({ enqueuedAt: 0, waitMs: 200 - index }))
  assert.deepEqual(figuresOf(waits), { p50: 100, p95: 190, p99: 198, max: 200 })
  assert.deepEqual(figuresOf(waits.slice(0, 1)), { p50: 200, p95: 200, p99: 200, max: 200 })
  assert.deepEqual(figuresOf([]), { p50: null, p95: null, p99: null, max: null })
})
