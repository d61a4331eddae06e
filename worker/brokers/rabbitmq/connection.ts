import type { BrokerSettings, WorkerEvent } from '../../contracts.ts'
import { Reconnection } from '../reconnection.ts'
import { dial, isRefusedLogin, type Line } from './dial.ts'
import { guardFrames, isUnreadable } from './frame-guard.ts'

const REFUSED_DELAY_MS = 5_000

export interface ConnectionListener {
  /** Connected. Called again after each reconnect. */
  up(line: Line): void
  /** The connection of the last `up` is gone. */
  down(): void
  blocked?(blocked: boolean): void
}

/** A connection that comes back by itself, for ever, with full jitter, until it is closed. */
export class Connection {
  readonly #role: 'consume' | 'publish'
  readonly #observe: (event: WorkerEvent) => void
  readonly #listener: ConnectionListener
  readonly #lines: Reconnection<Line>
  #line: Line | undefined
  #blocked = false
  #guarded = false

  constructor(
    role: 'consume' | 'publish',
    settings: BrokerSettings,
    observe: (event: WorkerEvent) => void,
    listener: ConnectionListener,
  ) {
    this.#role = role
    this.#observe = observe
    this.#listener = listener
    this.#lines = new Reconnection({
      role,
      observe,
      dial: (cancel) => dial(settings, cancel),
      serve: (line) => this.#serve(line),
      penaltyMs: (error) => (isRefusedLogin(error) ? REFUSED_DELAY_MS : 0),
    })
  }

  /** The connection as it is now; undefined while there is none. */
  get line(): Line | undefined {
    return this.#line
  }

  /** True while the broker takes no messages because of an alarm. */
  get blocked(): boolean {
    return this.#blocked
  }

  /** Why the last connection ended or could not be made. */
  get lastError(): unknown {
    return this.#lines.lastError
  }

  /** Begins to connect. Idempotent. */
  open(): void {
    this.#lines.open()
  }

  /** Ends and stays ended. Idempotent, never rejects; takes at most about `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    this.#lines.stop()
    await this.#line?.close(timeoutMs)
    await this.#lines.ended()
  }

  async #serve(line: Line): Promise<unknown> {
    if (this.#lines.closing) {
      line.destroy()
      return undefined
    }
    line.model.on('blocked', (reason) => this.#block(true, String(reason)))
    line.model.on('unblocked', () => this.#block(false))
    if (this.#guarded) guardFrames(line.model)
    this.#line = line
    this.#observe({ name: 'connection', role: this.#role, status: 'connected', peer: line.peer })
    this.#listener.up(line)
    const reason = await line.closed
    this.#guarded ||= isUnreadable(reason)
    this.#line = undefined
    if (this.#blocked) this.#block(false)
    this.#listener.down()
    return reason
  }

  #block(blocked: boolean, reason?: string): void {
    this.#blocked = blocked
    this.#observe({ name: 'blocked', blocked, ...(reason === undefined ? {} : { reason }) })
    this.#listener.blocked?.(blocked)
  }
}
