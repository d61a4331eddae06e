/** Why a job was dead-lettered. A closed list: it is a metric label and part of the wire format. */
export const DEAD_REASONS = [
  'attempts-exhausted',
  'permanent',
  'invalid-payload',
  'unknown-type',
  'missing-id',
  'crash-loop',
] as const
export type DeadReason = (typeof DEAD_REASONS)[number]

/** Why a job is tried again. A closed list: it is a metric label and part of the wire format. */
export const RETRY_REASONS = ['error', 'timeout', 'retry-later', 'unknown-type', 'type-limit'] as const
export type RetryReason = (typeof RETRY_REASONS)[number]

/** What becomes of a delivery. */
export type Outcome =
  | { readonly kind: 'ack' }
  /** `delayMs` is a rung of the ladder; `counted: false` leaves the attempt number as it is. */
  | {
      readonly kind: 'retry'
      readonly delayMs: number
      readonly reason: RetryReason
      readonly error?: string
      readonly counted: boolean
    }
  | { readonly kind: 'dead'; readonly reason: DeadReason; readonly error?: string }
  /** Given back untouched (a drain): neither an attempt nor a step towards the crash limit. */
  | { readonly kind: 'release' }
