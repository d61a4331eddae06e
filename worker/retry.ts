import type { Outcome, RetryReason } from './contracts.ts'
import type { RetryPolicy } from './define.ts'
import { messageOf, type RetryLater, TidemillError, TimeoutError, toError } from './errors.ts'

/** What becomes of a message without an id, where that is asked for. */
export const MISSING_ID: Outcome = Object.freeze({
  kind: 'dead',
  reason: 'missing-id',
  error: 'expected a message id, got none',
})

/** How one run of a handler ended. */
export type Result =
  | { readonly kind: 'done' }
  /** `aborted` is the reason of the job's signal, when it had aborted before the handler threw. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly aborted: TidemillError | undefined }
  /** The handler ignored its abort past the grace and may still be running. */
  | { readonly kind: 'stuck'; readonly aborted: TidemillError }

export type CompletePolicy = Required<RetryPolicy>

const ACK: Outcome = Object.freeze({ kind: 'ack' })
const RELEASE: Outcome = Object.freeze({ kind: 'release' })

/**
 * What becomes of a job whose handler ended with `result` on try number `attempt` (from 1).
 * A handler that resolved did its work: it is acknowledged, whatever its signal said.
 * An interruption (shutdown, lost lease) releases the job; a timeout or any other error is a try that failed.
 * @param random a number in [0, 1), as Math.random
 */
export function outcomeOf(
  result: Result,
  attempt: number,
  policy: CompletePolicy,
  ladderMs: readonly number[],
  random: () => number,
): Outcome {
  if (result.kind === 'done') return ACK
  const { aborted } = result
  const error = result.kind === 'failed' ? toError(result.error) : result.aborted
  if (codeOf(error) === 'PERMANENT') return { kind: 'dead', reason: 'permanent', error: messageOf(error) }
  if (codeOf(error) === 'INVALID_PAYLOAD') {
    return { kind: 'dead', reason: 'invalid-payload', error: messageOf(error) }
  }
  if (codeOf(error) === 'RETRY_LATER') {
    const wishMs = (error as RetryLater).delayMs
    return again('retry-later', error, attempt, policy, ladderMs, random, Number.isFinite(wishMs) ? wishMs : undefined)
  }
  if (aborted instanceof TimeoutError) return again('timeout', aborted, attempt, policy, ladderMs, random)
  if (aborted !== undefined || codeOf(error) === 'SHUTDOWN') return RELEASE
  return again('error', error, attempt, policy, ladderMs, random)
}

/** True when the job was interrupted because the worker stops. */
export function isAbandoned(result: Result): boolean {
  return result.kind !== 'done' && result.aborted?.code === 'SHUTDOWN'
}

/** By code, not by class: a handler may have been built with another copy of this package. */
function codeOf(error: Error): unknown {
  try {
    return (error as TidemillError).code
  } catch {
    return undefined
  }
}

/** The same decision for a message whose type no job of this worker has: retried, since another version of the worker may know it. */
export function unknownTypeOutcome(
  type: string,
  attempt: number,
  policy: CompletePolicy,
  ladderMs: readonly number[],
  random: () => number,
): Outcome {
  const error = new TidemillError(
    'DEFINITION',
    `no job of this worker has the type ${JSON.stringify(type.slice(0, 255))}`,
  )
  if (attempt >= policy.attempts) return { kind: 'dead', reason: 'unknown-type', error: error.message }
  return again('unknown-type', error, attempt, policy, ladderMs, random)
}

function again(
  reason: RetryReason,
  error: unknown,
  attempt: number,
  policy: CompletePolicy,
  ladderMs: readonly number[],
  random: () => number,
  wishMs = meanDelayMs(attempt, policy),
): Outcome {
  const message = messageOf(error)
  if (attempt >= policy.attempts) return { kind: 'dead', reason: 'attempts-exhausted', error: message }
  return { kind: 'retry', delayMs: pickRung(wishMs, ladderMs, random), reason, error: message, counted: true }
}

/** The mean delay after try number `attempt`, in ms: `minDelayMs * factor^(attempt - 1)`, at most `maxDelayMs`. */
export function meanDelayMs(attempt: number, policy: CompletePolicy): number {
  return Math.min(policy.maxDelayMs, policy.minDelayMs * policy.factor ** (attempt - 1))
}

/**
 * One of the two rungs around the wish, drawn so that the mean of many draws is the wish; below the lowest or above the
 * highest rung it is that rung. Randomised rounding, because a broker's wait queue has one delay for all that is in it.
 * @param ladderMs ascending, at least one rung, in ms
 */
export function pickRung(wishMs: number, ladderMs: readonly number[], random: () => number): number {
  let below = ladderMs[0]!
  for (const rung of ladderMs) {
    if (rung >= wishMs) {
      if (rung === below) return rung
      return random() < (wishMs - below) / (rung - below) ? rung : below
    }
    below = rung
  }
  return below
}
