import assert from 'node:assert/strict'
import { test } from 'node:test'
import { breachesOf, type Commit, type Place } from './faults/commit-oracle.ts'

const where = { topic: 'work', partition: 0 }

function commit(t: number, position: number, ...finished: [start: number, end: number][]): Commit {
  return { ...where, by: 'worker', t, position, finished: finished.map(([start, end]) => ({ start, end })) }
}

/** Jobs at 0, 1, 2, ..., each begun at `begun` and ended at its time. */
function places(...ends: (number | undefined)[]): Place[] {
  return ends.map((endedAt, offset) => ({
    ...where,
    offset,
    id: `job-${offset}`,
    key: undefined,
    startedAt: 0,
    endedAt,
  }))
}

test('commits that follow the ends of jobs, prefix and metadata, are in order', () => {
  const commits = [commit(10, 0, [1, 2]), commit(20, 0, [1, 3]), commit(30, 3), commit(40, 4)]
  assert.deepEqual(breachesOf(commits, places(25, 9, 20, 39)), [])
})

test('a commit that passes a job that has not ended, or ends later, is a breach; in its metadata too', () => {
  assert.deepEqual(breachesOf([commit(10, 2)], places(5, undefined)), [
    'work[0]: the commit of 2 counts job-1 at 1 as finished, which never ended',
  ])
  assert.deepEqual(breachesOf([commit(10, 0, [1, 2])], places(undefined, 12)), [
    'work[0]: the commit of 0 counts job-1 at 1 as finished, which ended 2 ms later',
  ])
})

test('a watermark that falls is a breach, and so is a commit that has forgotten what an earlier one knew', () => {
  assert.deepEqual(breachesOf([commit(10, 2), commit(11, 1, [1, 2])], places(1, 2)), [
    'work[0]: the watermark fell from 2 to 1',
  ])
  assert.deepEqual(breachesOf([commit(10, 0, [1, 2]), commit(11, 0)], places(undefined, 2)), [
    'work[0]: the commit of 0 no longer knows that job-1 at 1 is finished',
  ])
})

test('partitions are judged one by one, and nothing is held against what was committed by hand or deleted', () => {
  const other: Commit = { ...commit(11, 0), partition: 1 }
  const foreign: Commit = { ...commit(11, 100), by: 'foreign' }
  const removed: Commit = { ...commit(13, 0), by: 'removed' }
  const commits = [commit(10, 2), other, foreign, commit(12, 1), removed, commit(14, 0)]
  assert.deepEqual(breachesOf(commits, places(1, 2)), [])
})

test('jobs of one key that overlap are a breach; those of others, of none, and of a place that a producer took twice, are not', () => {
  const lane = (offset: number, key: string | undefined, startedAt: number, endedAt: number, id = `job-${offset}`) => ({
    ...where,
    offset,
    id,
    key,
    startedAt,
    endedAt,
  })
  const sound = [lane(0, 'a', 1, 5), lane(1, 'b', 2, 3), lane(2, undefined, 2, 9), lane(3, 'a', 5, 6)]
  assert.deepEqual(breachesOf([], [...sound, lane(4, 'a', 1, 5, 'job-0')]), [])
  assert.deepEqual(breachesOf([], [lane(0, 'a', 1, 5), lane(1, 'a', 4, 6)]), [
    'work[0]: job-1 was begun before the end of job-0, which has the same key',
  ])
})
