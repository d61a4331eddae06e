import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  ERROR_CODES,
  InvalidPayloadError,
  PermanentError,
  RetryLater,
  ShutdownError,
  TidemillError,
} from '../../../worker/errors.ts'
import { outcomeOf } from '../../../worker/retry.ts'
import { packError, unpackError } from '../../../worker/threads/crossing.ts'

/** As it is on the other side. */
function crossed(thrown: unknown): Error {
  return unpackError(structuredClone(packError(thrown)))
}

const POLICY = { attempts: 3, minDelayMs: 1_000, maxDelayMs: 1_000, factor: 1 }

test('whatever was thrown, the job becomes what it would have become without a crossing', () => {
  const thrown = fc.oneof(
    fc.string().map((message) => new Error(message)),
    fc.string().map((message) => new PermanentError(message)),
    fc.string().map((message) => new InvalidPayloadError(message)),
    fc.double({ min: 0, noNaN: true, max: 1e9 }).map((delayMs) => new RetryLater(delayMs)),
    fc.constantFrom(...ERROR_CODES).map((code) => new TidemillError(code, 'x')),
    fc.constantFrom('PERMANENT', 'RETRY_LATER', 'E_X', 7).map((code) => Object.assign(new Error('foreign'), { code })),
    fc.anything(),
  )
  fc.assert(
    fc.property(thrown, fc.integer({ min: 1, max: 3 }), (error, attempt) => {
      const outcome = (value: unknown) =>
        outcomeOf({ kind: 'failed', error: value, aborted: undefined }, attempt, POLICY, [500, 5_000], () => 0.5)
      assert.deepEqual(outcome(crossed(error)), outcome(error))
    }),
    { numRuns: 2_000 },
  )
})

test('class, code, name, message, stack and causes survive', () => {
  const cause = Object.assign(new TypeError('inner'), { code: 5 })
  const error = crossed(new ShutdownError('stop'))
  assert.ok(error instanceof TidemillError && error.code === 'SHUTDOWN' && error.name === 'ShutdownError')
  const outer = crossed(new RetryLater(7, 'later', { cause }))
  assert.ok(outer instanceof RetryLater && outer.delayMs === 7)
  const inner = outer.cause as Error & { code: unknown }
  assert.deepEqual([inner.name, inner.message, inner.code, inner.stack], ['TypeError', 'inner', 5, cause.stack])
})

test('an error without bounds, or that can not be read, is bounded and never thrown', () => {
  const endless: Error & { cause?: unknown } = new Error('x'.repeat(1e6))
  endless.cause = endless
  endless.stack = 'y'.repeat(1e6)
  assert.ok(JSON.stringify(packError(endless)).length < 60_000)
  const hostile = new Error('x')
  for (const field of ['name', 'code', 'stack', 'cause', 'message']) {
    Object.defineProperty(hostile, field, {
      get() {
        throw new Error('hostile')
      },
    })
  }
  assert.equal(crossed(hostile).message, 'an error whose message can not be read')
})
