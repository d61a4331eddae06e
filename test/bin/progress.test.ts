import assert from 'node:assert/strict'
import { test } from 'node:test'
import { progressLine } from '../../bin/progress.ts'

test('a bar fills with the share that is done, and tells count and rate', () => {
  assert.equal(progressLine('jobs', 0, 10, 1), `[${'.'.repeat(30)}] 0/10 jobs, 0/s`)
  assert.equal(progressLine('jobs', 5, 10, 2), `[${'#'.repeat(15)}${'.'.repeat(15)}] 5/10 jobs, 3/s`)
  assert.equal(progressLine('jobs', 12, 10, 1), `[${'#'.repeat(30)}] 12/10 jobs, 12/s`)
})

test('where nobody knows how many there will be, there is no bar', () => {
  assert.equal(progressLine('jobs', 5, undefined, 1), '5 jobs, 5/s')
})
