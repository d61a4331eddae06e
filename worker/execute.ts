import { type TidemillError, TimeoutError } from './errors.ts'
import type { Result } from './retry.ts'

/** What one run needs. */
export interface Run {
  readonly timeoutMs: number
  /** How long a handler may go on after its signal aborted, in ms, before it counts as stuck. */
  readonly abortGraceMs: number
  /** Starts the handler; called once, may throw. `execution.signal` is the handler's signal. */
  handle(execution: Execution): Promise<void> | void
  /** Called when a handler that counted as stuck came to an end after all. */
  unstuck(): void
}

const DONE: Result = Object.freeze({ kind: 'done' })

/**
 * Runs one handler once, under its timeout and whatever else aborts it. `result` never rejects. The signal exists only
 * when the handler asks for it, and nothing is linked to a longer-lived signal, so that nothing can pile up there.
 */
export class Execution {
  readonly result: Promise<Result>
  readonly #run: Run
  #controller: AbortController | undefined
  #aborted: TidemillError | undefined
  #timer: NodeJS.Timeout | undefined
  #resolve!: (result: Result) => void

  constructor(run: Run) {
    this.#run = run
    this.result = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#timer = setTimeout(timeOut, run.timeoutMs, this)
    void this.#watch()
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
    if (this.#aborted !== undefined || this.#timer === undefined) return
    this.#aborted = reason
    clearTimeout(this.#timer)
    this.#timer = setTimeout(giveUp, this.#run.abortGraceMs, this)
    this.#controller?.abort(reason)
  }

  /** Aborts because the time is over. */
  timeOut(): void {
    this.abort(new TimeoutError(this.#run.timeoutMs))
  }

  /** Ends the wait for a handler that ignores its abort. */
  giveUp(): void {
    this.#end({ kind: 'stuck', aborted: this.#aborted! })
  }

  async #watch(): Promise<void> {
    let result: Result = DONE
    try {
      await this.#run.handle(this)
    } catch (error) {
      result = { kind: 'failed', error, aborted: this.#aborted }
    }
    if (this.#timer === undefined) this.#run.unstuck()
    else this.#end(result)
  }

  #end(result: Result): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#resolve(result)
  }
}

function timeOut(execution: Execution): void {
  execution.timeOut()
}

function giveUp(execution: Execution): void {
  execution.giveUp()
}
