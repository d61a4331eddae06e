import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Dated, Timeouts } from '../../worker/timeouts.ts'

/** A clock that goes on only by hand, with the timers that wait for it. */
function watchOf(t: { mock: { timers: import('node:test').MockTimers } }) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let now = 1_000
  const items: (Dated & { late: number })[] = []
  const timeouts = new Timeouts(
    () => items,
    () => now,
  )
  return {
    timeouts,
    items,
    add(inMs: number) {
      const item = { deadline: now + inMs, late: 0, timeOut: () => void item.late++ }
      items.push(item)
      timeouts.add(item)
      return item
    },
    remove: (item: Dated & { late: number }) => void items.splice(items.indexOf(item), 1),
    pass(ms: number) {
      for (let passed = 0; passed < ms; passed++) {
        now++
        t.mock.timers.tick(1)
      }
    },
  }
}

test('each item is timed out at its own deadline, whatever the order they come in', (t) => {
  const watch = watchOf(t)
  const late = watch.add(500)
  const early = watch.add(20)
  const middle = watch.add(100)
  const counts = () => [early.late > 0, middle.late > 0, late.late > 0]
  watch.pass(19)
  assert.deepEqual(counts(), [false, false, false])
  watch.pass(1)
  assert.deepEqual(counts(), [true, false, false])
  watch.remove(early)
  watch.pass(79)
  assert.deepEqual(counts(), [true, false, false])
  watch.pass(1)
  assert.deepEqual(counts(), [true, true, false])
  watch.remove(middle)
  watch.pass(400)
  assert.deepEqual(counts(), [true, true, true])
})

test('what has ended is not timed out, and what came meanwhile is, in time', (t) => {
  const watch = watchOf(t)
  const ended = watch.add(50)
  watch.pass(30)
  watch.remove(ended)
  const later = watch.add(50)
  watch.pass(49)
  assert.deepEqual([ended.late, later.late], [0, 0])
  watch.pass(1)
  assert.deepEqual([ended.late, later.late], [0, 1])
})

test('a timer that comes before its time waits for the rest of it', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let now = 0
  let late = 0
  const item = { deadline: 10, timeOut: () => void late++ }
  const timeouts = new Timeouts(
    () => [item],
    () => now,
  )
  timeouts.add(item)
  now = 9.5
  t.mock.timers.tick(10)
  assert.equal(late, 0)
  now = 10.5
  t.mock.timers.tick(1)
  assert.equal(late, 1)
})

test('a deadline further off than a timer can be is met all the same', (t) => {
  const { mock } = t
  mock.timers.enable({ apis: ['setTimeout'] })
  let now = 0
  let late = 0
  const item = { deadline: 2 ** 32, timeOut: () => void late++ }
  const timeouts = new Timeouts(
    () => [item],
    () => now,
  )
  timeouts.add(item)
  now = 2 ** 31 - 1
  mock.timers.tick(2 ** 31 - 1)
  assert.equal(late, 0)
  now = 2 ** 32
  mock.timers.tick(2 ** 31 + 1)
  assert.equal(late, 1)
})

test('after a stop nothing is timed out, and nothing keeps the process alive', (t) => {
  const watch = watchOf(t)
  const item = watch.add(10)
  watch.timeouts.stop()
  watch.pass(20)
  assert.equal(item.late, 0)
  const next = watch.add(10)
  watch.pass(10)
  assert.equal(next.late, 1)
})
