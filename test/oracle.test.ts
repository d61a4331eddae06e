import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { judge } from './load/oracle.ts'

const ids = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 50 })

test('a run in which each job was started and done once has no fault', () => {
  fc.assert(
    fc.property(ids, (all) => {
      const verdict = judge({ confirmed: all, started: all, done: all.toReversed() })
      assert.equal(verdict.ok, true)
      assert.deepEqual([verdict.enqueued, verdict.done], [all.length, all.length])
      assert.deepEqual([verdict.lost, verdict.duplicated, verdict.repeated, verdict.unexpected], [[], [], [], []])
    }),
  )
})

test('every confirmed job is done, dead as planted, or lost: nothing falls between', () => {
  const job = fc.record({ done: fc.nat(2), dead: fc.boolean(), planted: fc.boolean() })
  fc.assert(
    fc.property(fc.array(job, { maxLength: 40 }), (jobs) => {
      const named = jobs.map((job, index) => ({ ...job, id: `job-${index}` }))
      const idsOf = (fits: (job: (typeof named)[number]) => boolean) => named.filter(fits).map(({ id }) => id)
      const done = named.flatMap(({ id, done }) => Array.from({ length: done }, () => id))
      const verdict = judge({
        confirmed: idsOf(() => true),
        started: idsOf(() => true),
        done,
        dead: idsOf(({ dead }) => dead),
        planted: idsOf(({ planted }) => planted),
      })
      const expected = idsOf(({ done, dead, planted }) => (dead ? !planted : done === 0))
      assert.deepEqual([...verdict.lost].sort(), expected.sort())
      assert.deepEqual(
        verdict.duplicated,
        idsOf(({ done }) => done === 2),
      )
      assert.equal(verdict.ok, expected.length === 0)
    }),
  )
})

test('a confirmed job that was started and never done is lost', () => {
  assert.deepEqual(judge({ confirmed: ['a', 'b'], started: ['a', 'b'], done: ['a'] }).lost, ['b'])
})

test('a dead-lettered job that was not planted is lost, even when it was done before', () => {
  const verdict = judge({ confirmed: ['a', 'b'], started: ['a', 'b'], done: ['a', 'b'], dead: ['b'], planted: [] })
  assert.deepEqual(verdict.lost, ['b'])
  assert.deepEqual(verdict.deadIds, ['b'])
  assert.equal(verdict.ok, false)
})

test('a planted job in the dead-letter queue is where it belongs', () => {
  const verdict = judge({ confirmed: ['a', 'p'], started: ['a', 'p', 'p'], done: ['a'], dead: ['p'], planted: ['p'] })
  assert.equal(verdict.ok, true)
  assert.deepEqual(verdict.repeated, ['p'])
})

test('a job that nobody sent, or that was done without a start, is unexpected', () => {
  assert.deepEqual(judge({ confirmed: ['a'], started: ['a', 'x'], done: ['a', 'x'] }).unexpected, ['x'])
  assert.deepEqual(judge({ confirmed: ['a'], started: [], done: ['a'] }).unexpected, ['a'])
  assert.deepEqual(judge({ confirmed: [], started: [], done: [], dead: ['x'] }).unexpected, ['x'])
})

test('an unconfirmed job may be done or not', () => {
  const verdict = judge({ confirmed: ['a'], unconfirmed: ['b', 'c'], started: ['a', 'b'], done: ['a', 'b'] })
  assert.equal(verdict.ok, true)
  assert.deepEqual(verdict.recovered, ['b'])
})
