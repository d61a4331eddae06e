import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  InvalidPayloadError,
  LeaseLostError,
  PermanentError,
  RetryLater,
  ShutdownError,
  TimeoutError,
} from '../../worker/errors.ts'
import {
  type CompletePolicy,
  meanDelayMs,
  outcomeOf,
  pickRung,
  type Result,
  unknownTypeOutcome,
} from '../../worker/retry.ts'

const LADDER = [1_000, 5_000, 30_000, 120_000, 600_000, 3_600_000]
const POLICY: CompletePolicy = { attempts: 3, minDelayMs: 1_000, maxDelayMs: 3_600_000, factor: 4 }
const decide = (result: Result, attempt = 1) => outcomeOf(result, attempt, POLICY, LADDER, () => 0.5)
const failed = (error: unknown, aborted?: TimeoutError | ShutdownError | LeaseLostError): Result => ({
  kind: 'failed',
  error,
  aborted,
})

test('a handler that resolved is acknowledged', () => {
  assert.deepEqual(decide({ kind: 'done' }), { kind: 'ack' })
})

test('an ordinary error is a counted retry until the attempts are used up', () => {
  const first = decide(failed(new Error('boom')))
  assert.deepEqual(first, { kind: 'retry', delayMs: 1_000, reason: 'error', error: 'boom', counted: true })
  assert.equal(decide(failed(new Error('boom')), 2).kind, 'retry')
  assert.deepEqual(decide(failed(new Error('boom')), 3), { kind: 'dead', reason: 'attempts-exhausted', error: 'boom' })
})

test('a permanent error and an invalid payload are dead on the first attempt', () => {
  assert.deepEqual(decide(failed(new PermanentError('no such order'))), {
    kind: 'dead',
    reason: 'permanent',
    error: 'no such order',
  })
  const invalid = decide(failed(new InvalidPayloadError('x')))
  assert.equal(invalid.kind === 'dead' && invalid.reason, 'invalid-payload')
})

test('an interruption by shutdown or a lost lease releases the job, even on its last attempt', () => {
  for (const aborted of [new ShutdownError(), new LeaseLostError()]) {
    assert.deepEqual(decide(failed(new Error('interrupted'), aborted), 3), { kind: 'release' })
    assert.deepEqual(decide({ kind: 'stuck', aborted }, 3), { kind: 'release' })
  }
})

test('a timeout is a failed attempt, whether the handler yielded or not', () => {
  const aborted = new TimeoutError(10)
  for (const result of [failed(new Error('late'), aborted), { kind: 'stuck', aborted } as const]) {
    const outcome = decide(result)
    assert.equal(outcome.kind === 'retry' && outcome.reason, 'timeout')
  }
})

test('RetryLater asks for its own delay and counts as an attempt', () => {
  const outcome = decide(failed(new RetryLater(30_000)))
  assert.ok(outcome.kind === 'retry' && outcome.delayMs === 30_000 && outcome.counted)
  assert.equal(decide(failed(new RetryLater(30_000)), 3).kind, 'dead')
})

test('an unknown type is retried, then dead with a reason of its own', () => {
  const at = (attempt: number) => unknownTypeOutcome('gone', attempt, POLICY, LADDER, () => 0.5)
  const first = at(1)
  assert.equal(first.kind === 'retry' && first.reason, 'unknown-type')
  const last = at(3)
  assert.equal(last.kind === 'dead' && last.reason, 'unknown-type')
})

test('whatever is thrown, the decision is total and its message bounded', () => {
  const hostile = [
    null,
    undefined,
    'text',
    Symbol('s'),
    Object.freeze({}),
    {
      get message() {
        throw new Error('no')
      },
    },
    new Proxy(
      {},
      {
        get() {
          throw new Error('no')
        },
        getPrototypeOf() {
          throw new Error('no')
        },
      },
    ),
    Object.defineProperty(new Error('x'), 'message', {
      get() {
        throw new Error('no')
      },
    }),
    new Error('y'.repeat(100_000)),
  ]
  for (const thrown of hostile) {
    const outcome = decide(failed(thrown))
    assert.ok(outcome.kind === 'retry' && outcome.error !== undefined && outcome.error.length <= 2048)
  }
})

test('the rung is always one of the two around the wish', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 10_000_000 }), { minLength: 1, maxLength: 8 }),
      fc.double({ min: 0, max: 20_000_000, noNaN: true }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (rungs, wish, draw) => {
        const ladder = rungs.sort((a, b) => a - b)
        const picked = pickRung(wish, ladder, () => draw)
        const above = ladder.find((rung) => rung >= wish) ?? ladder.at(-1)
        const below = ladder.findLast((rung) => rung <= wish) ?? ladder[0]
        assert.ok(picked === above || picked === below)
      },
    ),
  )
})

test('the mean of many draws is the wish, within the ladder', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1_000, max: 3_600_000 }), (wish) => {
      const draws = 2_000
      let sum = 0
      for (let i = 0; i < draws; i++) sum += pickRung(wish, LADDER, () => (i + 0.5) / draws)
      const above = LADDER.find((rung) => rung >= wish)!
      assert.ok(Math.abs(sum / draws - wish) <= above / draws, `mean ${sum / draws} for a wish of ${wish}`)
    }),
  )
})

test('mean delays grow by the factor and stop at the maximum', () => {
  const policy = { attempts: 9, minDelayMs: 100, maxDelayMs: 5_000, factor: 3 }
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((attempt) => meanDelayMs(attempt, policy)),
    [100, 300, 900, 2_700, 5_000],
  )
})
