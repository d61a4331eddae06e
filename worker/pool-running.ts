import type { Link } from './chain.ts'
import type { Delivery, Logger, Message, Observer } from './contracts.ts'
import { type BodyLimits, decode } from './decode.ts'
import type { InlineJob } from './define.ts'
import { Execution, type Run } from './execute.ts'
import { JobContext, JobView } from './job.ts'
import type { CompletePolicy } from './retry.ts'

/** A job definition with every default filled in. */
export interface PoolJob {
  readonly definition: InlineJob<any, any, any>
  /** Its handler only waits for a thread, which does the work. */
  readonly inThread: boolean
  readonly timeoutMs: number
  readonly policy: CompletePolicy
}

export interface PoolOptions {
  readonly jobs: ReadonlyMap<string, PoolJob>
  readonly concurrency: number
  readonly readAhead: number
  readonly threads: number
  /** For messages whose type no job has. */
  readonly policy: CompletePolicy
  readonly ladderMs: readonly number[]
  readonly limits: BodyLimits
  readonly missingId: 'derive' | 'dead-letter'
  readonly abortGraceMs: number
  readonly resources: unknown
  readonly observer: Observer
  readonly log: Logger
  readonly random: () => number
  /** ms since the epoch. */
  readonly wallClock: () => number
  /** A monotonic clock in ms. */
  readonly now: () => number
}

/** One handler at work on one delivery. */
export class Running implements Run, Link<Running> {
  older: Running | undefined = undefined
  newer: Running | undefined = undefined
  readonly message: Message
  readonly job: PoolJob
  readonly begun: number
  readonly lease: AbortSignal
  readonly timeoutMs: number
  readonly abortGraceMs: number
  readonly execution: Execution
  readonly #options: PoolOptions
  readonly #unstuck: (message: Message) => void

  constructor(
    delivery: Delivery,
    job: PoolJob,
    begun: number,
    options: PoolOptions,
    unstuck: (message: Message) => void,
  ) {
    this.lease = delivery.lease
    this.timeoutMs = job.timeoutMs
    this.abortGraceMs = options.abortGraceMs
    this.message = delivery.message
    this.job = job
    this.begun = begun
    this.#options = options
    this.#unstuck = unstuck
    this.execution = new Execution(this)
  }

  handle(execution: Execution): Promise<void> | void {
    const payload = decode(this.message, this.job.definition, this.#options.limits)
    if (payload instanceof Promise) return payload.then((value) => this.#call(value, execution))
    return this.#call(payload, execution)
  }

  unstuck(): void {
    this.#unstuck(this.message)
  }

  #call(payload: unknown, execution: Execution): Promise<void> | void {
    const context = new JobContext(execution, this.message, this.#options.log, this.#options.resources)
    return this.job.definition.handler(new JobView(this.message, payload), context)
  }
}
