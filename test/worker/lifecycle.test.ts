import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { WorkerState } from '../../worker/contracts.ts'
import { TidemillError } from '../../worker/errors.ts'
import { Lifecycle } from '../../worker/lifecycle.ts'

const STATES: WorkerState[] = ['starting', 'running', 'draining', 'stopped', 'failed']

test('a worker goes from starting to running, draining and stopped, and tells each step', () => {
  const steps: string[] = []
  const lifecycle = new Lifecycle((from, to) => steps.push(`${from}>${to}`))
  for (const next of ['running', 'draining', 'stopped'] as const) lifecycle.to(next)
  assert.deepEqual(steps, ['starting>running', 'running>draining', 'draining>stopped'])
})

test('whatever is asked in whatever order, a stopped worker never lives again and a failed one only stops', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...STATES), { maxLength: 12 }), (wishes) => {
      const seen: WorkerState[] = ['starting']
      const lifecycle = new Lifecycle((from, to) => {
        assert.equal(from, seen.at(-1))
        seen.push(to)
      })
      for (const wish of wishes) {
        const before = lifecycle.state
        try {
          lifecycle.to(wish)
        } catch (error) {
          assert.ok(error instanceof TidemillError && error.code === 'ILLEGAL_STATE')
          assert.equal(lifecycle.state, before)
        }
      }
      assert.equal(lifecycle.state, seen.at(-1))
      const stoppedAt = seen.indexOf('stopped')
      assert.ok(stoppedAt === -1 || stoppedAt === seen.length - 1)
      const failedAt = seen.indexOf('failed')
      assert.ok(failedAt === -1 || seen.slice(failedAt + 1).every((state) => state === 'stopped'))
      assert.ok(seen.slice(1).every((state) => state !== 'starting'))
    }),
  )
})
