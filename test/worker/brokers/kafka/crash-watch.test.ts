import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CrashWatch } from '../../../../worker/brokers/kafka/crash-watch.ts'
import { type Marks, NO_MARKS } from '../../../../worker/brokers/kafka/metadata.ts'

const ISOLATED: Marks = { beginnings: 0, isolated: true, end: 20, named: undefined }

function watchOf(restored: Marks): CrashWatch {
  return new CrashWatch({ restored, crashLimit: 3, reach: 4 })
}

/** As if the broker had taken a commit at this watermark. */
function commit(watch: CrashWatch, position: number): Marks {
  const marks = watch.marksAt(position)
  watch.committed(marks, position)
  assert.equal(watch.dirty(position), false)
  return marks
}

test('a beginning is in a commit before the first record starts, and in none once the watermark has moved', () => {
  const watch = watchOf(NO_MARKS)
  assert.deepEqual([watch.admit(10, 10), watch.dirty(10)], ['wait', false])
  watch.begin(100)
  assert.deepEqual([watch.admit(10, 10), watch.dirty(10)], ['commit', true])
  // Offsets without a record are no progress.
  assert.deepEqual(commit(watch, 12), { ...NO_MARKS, beginnings: 1 })
  assert.equal(watch.admit(99, 12), 'start', 'any record may start')
  assert.equal(watch.dirty(12), false)
  watch.settled(12)
  assert.deepEqual(commit(watch, 13), NO_MARKS)
})

test('after an unclean beginning records start below an offset that was announced, twice as far each time', () => {
  const watch = watchOf({ ...NO_MARKS, beginnings: 1 })
  watch.begin(100)
  assert.equal(watch.admit(10, 10), 'commit')
  assert.deepEqual(commit(watch, 10), { ...NO_MARKS, beginnings: 2, end: 14 })
  assert.deepEqual([watch.admit(10, 10), watch.admit(13, 10), watch.admit(14, 10)], ['start', 'start', 'commit'])
  assert.equal(watch.admit(13, 10), 'start', 'what was announced still counts')
  assert.deepEqual(commit(watch, 10), { ...NO_MARKS, beginnings: 2, end: 22 })
  assert.deepEqual([watch.admit(21, 10), watch.admit(22, 10)], ['start', 'commit'])
  watch.settled(10)
  assert.deepEqual(commit(watch, 11), NO_MARKS)
  assert.equal(watch.admit(90, 11), 'start')
})

test('after two unclean beginnings records run alone up to what was announced, and the end of that is committed', () => {
  const watch = watchOf({ ...NO_MARKS, beginnings: 2, end: 20 })
  watch.begin(12)
  assert.deepEqual([watch.isolated, watch.holds], [true, false])
  assert.equal(watch.admit(10, 10), 'commit')
  assert.deepEqual(commit(watch, 10), { ...ISOLATED, end: 12, named: { offset: 10, starts: 1 } })
  assert.deepEqual([watch.admit(10, 10), watch.admit(11, 10), watch.holds], ['start', 'wait', true])
  watch.settled(10)
  assert.equal(watch.holds, true, 'the broker still has it named')
  assert.equal(watch.admit(11, 11), 'commit')
  commit(watch, 11)
  assert.equal(watch.admit(11, 11), 'start')
  watch.settled(11)
  assert.equal(watch.admit(12, 12), 'commit', 'a crash now would be blamed on 11')
  assert.deepEqual(commit(watch, 12), NO_MARKS)
  assert.deepEqual(
    [watch.isolated, watch.holds, watch.admit(12, 12), watch.admit(50, 12)],
    [false, false, 'start', 'start'],
  )
})

test('a record left named as often as the limit is condemned by the next owner, and by the one after if need be', () => {
  const named = { offset: 10, starts: 3 }
  const watch = watchOf({ ...ISOLATED, named })
  watch.begin(100)
  assert.equal(watch.admit(10, 10), 'condemn')
  assert.deepEqual(watch.marksAt(10).named, named)
  watch.leave()
  assert.deepEqual(watch.marksAt(10).named, named, 'a drain does not pardon')
  watch.settled(10)
  assert.deepEqual(watch.marksAt(11), ISOLATED)
})

test('leaving withdraws what this owner marked, and no more', () => {
  const cases: [restored: Marks, position: number, expected: Marks][] = [
    [NO_MARKS, 10, NO_MARKS],
    [NO_MARKS, 11, NO_MARKS],
    [{ ...NO_MARKS, beginnings: 1 }, 10, { ...NO_MARKS, beginnings: 1 }],
    [{ ...NO_MARKS, beginnings: 1 }, 11, NO_MARKS],
    [ISOLATED, 10, ISOLATED],
    [{ ...ISOLATED, named: { offset: 10, starts: 2 } }, 10, { ...ISOLATED, named: { offset: 10, starts: 2 } }],
  ]
  for (const [restored, position, expected] of cases) {
    const watch = watchOf(restored)
    watch.begin(100)
    assert.equal(watch.admit(10, 10), 'commit')
    commit(watch, 10)
    assert.equal(watch.admit(10, 10), 'start')
    watch.leave()
    if (position > 10) watch.settled(10)
    assert.deepEqual(watch.marksAt(position), expected)
    assert.equal(watch.admit(11, 10), 'wait')
  }
})

test('an owner that starts nothing hands on what it found', () => {
  const restored = { ...ISOLATED, named: { offset: 10, starts: 2 } }
  for (const begins of [false, true]) {
    const watch = watchOf(restored)
    if (begins) watch.begin(100)
    assert.deepEqual(watch.marksAt(10), restored)
    watch.leave()
    assert.deepEqual(watch.marksAt(10), restored)
    assert.equal(watch.dirty(10), false)
  }
})

test('what runs on through a hand-over leaves no mark behind on what comes after it', () => {
  const named = { offset: 10, starts: 2 }
  const cases: [restored: Marks, expected: Marks][] = [
    [{ ...NO_MARKS, beginnings: 1 }, NO_MARKS],
    [{ ...NO_MARKS, beginnings: 2, end: 14 }, NO_MARKS],
    [{ ...ISOLATED, named }, ISOLATED],
    [{ ...ISOLATED, end: 11, named }, NO_MARKS],
  ]
  for (const [restored, expected] of cases) {
    const watch = watchOf(restored)
    watch.settled(12)
    assert.deepEqual(watch.marksAt(10), restored, 'the watermark has not moved')
    watch.settled(10)
    assert.deepEqual(commit(watch, 11), expected)
  }
})

test('a named record that the log no longer holds is forgotten', () => {
  const watch = watchOf({ ...ISOLATED, named: { offset: 10, starts: 3 } })
  watch.begin(100)
  assert.equal(watch.admit(12, 12), 'commit')
  assert.deepEqual(commit(watch, 12).named, { offset: 12, starts: 1 })
})
