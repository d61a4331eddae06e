import type { EventEmitter } from 'node:events'
import type { DeadReason, Logger, Message, Observer, Outcome, RetryReason, WorkerEvent } from './contracts.ts'
import type { FailureReport, WorkerDefinition } from './define.ts'

/** The events of a worker, by name, with what their listeners are given. */
export interface WorkerEvents {
  /** Everything rare: states, connection, drains, holds. */
  event: [event: WorkerEvent]
  /** A job began. */
  started: [message: Message]
  /** A job was settled; `written` is false when the broker had taken it back. */
  settled: [message: Message, outcome: Outcome, written: boolean]
}

/** Passes what happens on to the metrics, the user's hooks and the worker's listeners; one that throws is logged. */
export class Reporter implements Observer {
  readonly #definition: WorkerDefinition
  readonly #observer: Observer | undefined
  readonly #log: Logger
  readonly #emitter: EventEmitter<WorkerEvents>

  constructor(
    definition: WorkerDefinition,
    observer: Observer | undefined,
    log: Logger,
    emitter: EventEmitter<WorkerEvents>,
  ) {
    this.#definition = definition
    this.#observer = observer
    this.#log = log
    this.#emitter = emitter
  }

  started(message: Message, type: string, waitMs: number | undefined): void {
    this.#observer?.started(message, type, waitMs)
    if (this.#emitter.listenerCount('started') > 0) this.#guard(() => this.#emitter.emit('started', message))
  }

  settled(message: Message, type: string, outcome: Outcome, runMs: number, written: boolean): void {
    this.#observer?.settled(message, type, outcome, runMs, written)
    if (written && outcome.kind !== 'ack') this.#callHook(message, outcome)
    if (this.#emitter.listenerCount('settled') > 0) {
      this.#guard(() => this.#emitter.emit('settled', message, outcome, written))
    }
  }

  event(event: WorkerEvent): void {
    this.#observer?.event(event)
    if (event.name === 'dead') this.#tellDead(event.message, event.reason, undefined)
    if (this.#emitter.listenerCount('event') > 0) this.#guard(() => this.#emitter.emit('event', event))
  }

  #callHook(message: Message, outcome: Outcome): void {
    if (outcome.kind === 'dead') this.#tellDead(message, outcome.reason, outcome.error)
    if (outcome.kind === 'retry' && this.#definition.onRetry !== undefined) {
      const report = { ...failure<RetryReason>(message, outcome.reason, outcome.error), delayMs: outcome.delayMs }
      this.#guard(() => this.#definition.onRetry?.(report))
    }
  }

  #tellDead(message: Message, reason: DeadReason, error: string | undefined): void {
    if (this.#definition.onDead === undefined) return
    this.#guard(() => this.#definition.onDead?.(failure(message, reason, error)))
  }

  #guard(call: () => unknown): void {
    try {
      const returned = call()
      if (returned instanceof Promise) returned.catch((error) => this.#log.error({ err: error }, 'a hook failed'))
    } catch (error) {
      this.#log.error({ err: error }, 'a hook or listener failed')
    }
  }
}

function failure<Reason extends string>(
  message: Message,
  reason: Reason,
  error: string | undefined,
): FailureReport<Reason> {
  return { id: message.id, type: message.type, attempt: message.attempt, reason, error }
}
