import { messageOf } from '../../worker/errors.ts'

/** Why a test failed. */
export interface Failure {
  /** What was thrown and, below it, what that came from. */
  readonly said: string
  readonly isAssertion: boolean
}

const MAX_DEPTH = 8

/** What the runner's own error of a test holds: a property's error, for one, has the assertion that it failed by as its cause. */
export function failureOf(error: { readonly message: string; readonly cause?: unknown }): Failure {
  const causes: unknown[] = []
  for (let one = error.cause; one !== undefined && causes.length < MAX_DEPTH; ) {
    causes.push(one)
    one = (one as { readonly cause?: unknown } | null)?.cause
  }
  return {
    said: causes.length === 0 ? error.message : causes.map(messageOf).join('\n'),
    isAssertion: causes.some((cause) => (cause as { readonly code?: unknown } | null)?.code === 'ERR_ASSERTION'),
  }
}
