import type { Observer } from './contracts.ts'
import type { ExecutionOptions, Runnable } from './execute.ts'
import type { CompletePolicy } from './retry.ts'

/** A job definition with every default filled in. */
export interface PoolJob extends Runnable {
  /** Its handler only waits for a thread, which does the work. */
  readonly inThread: boolean
  readonly policy: CompletePolicy
}

export interface PoolOptions extends ExecutionOptions {
  readonly jobs: ReadonlyMap<string, PoolJob>
  readonly concurrency: number
  readonly threads: number
  /** For messages whose type no job has. */
  readonly policy: CompletePolicy
  readonly ladderMs: readonly number[]
  readonly missingId: 'derive' | 'dead-letter'
  readonly observer: Observer
  readonly random: () => number
  /** ms since the epoch. */
  readonly wallClock: () => number
  /** A monotonic clock in ms. */
  readonly now: () => number
}
