import type { Link } from './chain.ts'
import type { Delivery, Logger, Message } from './contracts.ts'
import { type BodyLimits, decode } from './decode.ts'
import type { InlineJob } from './define.ts'
import { type TidemillError, TimeoutError } from './errors.ts'
import { JobContext, JobView } from './job.ts'
import type { Result } from './retry.ts'
import type { Dated } from './timeouts.ts'

/** What is run. */
export interface Runnable {
  readonly definition: InlineJob<any, any, any>
  readonly timeoutMs: number
}

/** What all runs have in common. */
export interface ExecutionOptions {
  readonly limits: BodyLimits
  readonly resources: unknown
  readonly log: Logger
  /** How long a handler may go on after its signal aborted, in ms, before it counts as stuck. */
  readonly abortGraceMs: number
}

/**
 * One handler's run on one delivery, from decoding on. Whoever runs it awaits what `run` returns and then calls `end`; one that
 * has not ended when the grace after its abort is over is given up instead. The signal exists only when the handler asks
 * for it, and nothing is linked to a longer-lived signal, so that nothing can pile up there. Its deadline is for others to watch.
 */
export class Execution implements Link<Execution>, Dated {
  older: Execution | undefined = undefined
  newer: Execution | undefined = undefined
  readonly delivery: Delivery
  readonly begun: number
  readonly deadline: number
  readonly #job: Runnable
  readonly #options: ExecutionOptions
  readonly #givenUp: (execution: Execution, result: Result) => void
  #controller: AbortController | undefined = undefined
  #aborted: TidemillError | undefined = undefined
  #grace: NodeJS.Timeout | undefined = undefined
  #isOver = false

  /** `begun`: now, in ms. `givenUp` is called, once, when the handler ignored its abort for longer than the grace. */
  constructor(
    delivery: Delivery,
    job: Runnable,
    begun: number,
    options: ExecutionOptions,
    givenUp: (execution: Execution, result: Result) => void,
  ) {
    this.delivery = delivery
    this.begun = begun
    this.deadline = begun + job.timeoutMs
    this.#job = job
    this.#options = options
    this.#givenUp = givenUp
  }

  get message(): Message {
    return this.delivery.message
  }

  /** The handler's signal. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted)
    }
    return this.#controller.signal
  }

  /** Starts the handler and returns what it returns; throws what it throws, or `INVALID_PAYLOAD`. */
  run(): Promise<void> | void {
    const payload = decode(this.message, this.#job.definition, this.#options.limits)
    return payload instanceof Promise ? payload.then((value) => this.#call(value)) : this.#call(payload)
  }

  /** What came of a handler that threw. */
  failure(error: unknown): Result {
    return { kind: 'failed', error, aborted: this.#aborted }
  }

  /** The handler has ended. False: it was given up before. */
  end(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    if (this.#grace !== undefined) clearTimeout(this.#grace)
    return true
  }

  /** Aborts the handler's signal; from then on the grace runs. The first reason stands; nothing happens after the end. */
  abort(reason: TidemillError): void {
    if (this.#aborted !== undefined || this.#isOver) return
    this.#aborted = reason
    this.#grace = setTimeout(giveUp, this.#options.abortGraceMs, this)
    this.#controller?.abort(reason)
  }

  /** Aborts because the time is over. */
  timeOut(): void {
    this.abort(new TimeoutError(this.#job.timeoutMs))
  }

  /** Ends the wait for a handler that ignores its abort. */
  giveUp(): void {
    if (this.end()) this.#givenUp(this, { kind: 'stuck', aborted: this.#aborted! })
  }

  #call(payload: unknown): Promise<void> | void {
    const { log, resources } = this.#options
    const { message } = this
    return this.#job.definition.handler(new JobView(message, payload), new JobContext(this, message, log, resources))
  }
}

function giveUp(execution: Execution): void {
  execution.giveUp()
}
