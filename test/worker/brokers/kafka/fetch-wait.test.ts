import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FetchWait } from '../../../../worker/brokers/kafka/fetch-wait.ts'

test('where all partitions want more, the broker waits for records as long as it may', () => {
  const wait = new FetchWait()
  assert.equal(wait.next(false, 1_000), 250)
  wait.ranLow(1_000)
  assert.equal(wait.next(false, 1_000), 250)
})

test('with jobs that outlast any wait, the broker waits as long as it may', () => {
  const wait = new FetchWait()
  assert.equal(wait.next(true, 0), 250)
  wait.ranLow(1_000)
  assert.equal(wait.next(true, 61_000), 250)
})

test('a partition that runs low while the broker waits for another has as much left as it had used', () => {
  fc.assert(
    fc.property(fc.integer({ min: 50, max: 100_000 }), fc.integer({ min: 0, max: 9 }), (lastsMs, answerMs) => {
      const wait = new FetchWait()
      // From its full stock down to half of it takes so long, and from there until nothing is left as long again.
      wait.ranLow(0)
      let answeredAt = 0
      while (answeredAt < lastsMs) answeredAt += answerMs + wait.next(true, answeredAt)
      assert.ok(answeredAt <= 2 * lastsMs, `answered after ${answeredAt} ms, empty after ${2 * lastsMs}`)
    }),
  )
})

test('the shorter the stocks last, the shorter are the waits, but never so short that they are a load of their own', () => {
  const wait = new FetchWait()
  wait.ranLow(0)
  assert.deepEqual(
    [0, 10, 100, 400, 1_000].map((nowMs) => wait.next(true, nowMs)),
    [10, 10, 50, 200, 250],
  )
})
