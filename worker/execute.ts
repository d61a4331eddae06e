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

const DONE: Result = Object.freeze({ kind: 'done' })

/**
 * Runs one handler once, on one delivery, from decoding on, until it ends or is given up after an abort. `result` never
 * rejects. The signal exists only when the handler asks for it, and nothing is linked to a longer-lived signal, so that
 * nothing can pile up there. Its deadline is for others to watch.
 */
export class Execution implements Link<Execution>, Dated {
  older: Execution | undefined = undefined
  newer: Execution | undefined = undefined
  readonly message: Message
  readonly lease: AbortSignal
  readonly begun: number
  readonly deadline: number
  readonly result: Promise<Result>
  readonly #job: Runnable
  readonly #options: ExecutionOptions
  readonly #unstuck: (message: Message) => void
  #controller: AbortController | undefined = undefined
  #aborted: TidemillError | undefined = undefined
  #grace: NodeJS.Timeout | undefined = undefined
  #ended = false
  #resolve!: (result: Result) => void

  /** Starts the handler. `begun`: now, in ms. `unstuck` is called when a handler that counted as stuck came to an end after all. */
  constructor(
    { message, lease }: Delivery,
    job: Runnable,
    begun: number,
    options: ExecutionOptions,
    unstuck: (message: Message) => void,
  ) {
    this.message = message
    this.lease = lease
    this.begun = begun
    this.deadline = begun + job.timeoutMs
    this.#job = job
    this.#options = options
    this.#unstuck = unstuck
    this.result = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#start()
  }

  /** The handler's signal. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted)
    }
    return this.#controller.signal
  }

  /** Aborts the handler's signal; from then on the grace runs. The first reason stands; nothing happens after the end. */
  abort(reason: TidemillError): void {
    if (this.#aborted !== undefined || this.#ended) return
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
    this.#end({ kind: 'stuck', aborted: this.#aborted! })
  }

  #start(): void {
    const failed = (error: unknown) => this.#settle({ kind: 'failed', error, aborted: this.#aborted })
    try {
      Promise.resolve(this.#handle()).then(() => this.#settle(DONE), failed)
    } catch (error) {
      failed(error)
    }
  }

  #handle(): Promise<void> | void {
    const payload = decode(this.message, this.#job.definition, this.#options.limits)
    return payload instanceof Promise ? payload.then((value) => this.#call(value)) : this.#call(payload)
  }

  #call(payload: unknown): Promise<void> | void {
    const { log, resources } = this.#options
    const { message } = this
    return this.#job.definition.handler(new JobView(message, payload), new JobContext(this, message, log, resources))
  }

  #settle(result: Result): void {
    if (this.#ended) this.#unstuck(this.message)
    else this.#end(result)
  }

  #end(result: Result): void {
    clearTimeout(this.#grace)
    this.#ended = true
    this.#resolve(result)
  }
}

function giveUp(execution: Execution): void {
  execution.giveUp()
}
