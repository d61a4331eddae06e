import type { BrokerSettings, WorkerEvent } from '../../contracts.ts'
import { fullJitter, Pause } from '../waiting.ts'
import { dial, isRefusedLogin, type Line } from './dial.ts'
import { guardFrames, isUnreadable } from './frame-guard.ts'

const BASE_DELAY_MS = 200
const MAX_DELAY_MS = 30_000
const REFUSED_DELAY_MS = 5_000
/** A connection that lived this long was a good one: the next failure starts the back-off anew. */
const STABLE_MS = 5_000

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
  readonly #settings: BrokerSettings
  readonly #observe: (event: WorkerEvent) => void
  readonly #listener: ConnectionListener
  readonly #closing = new AbortController()
  readonly #pause = new Pause()
  #running: Promise<void> | undefined
  #line: Line | undefined
  #blocked = false
  #lastError: unknown
  #guarded = false

  constructor(
    role: 'consume' | 'publish',
    settings: BrokerSettings,
    observe: (event: WorkerEvent) => void,
    listener: ConnectionListener,
  ) {
    this.#role = role
    this.#settings = settings
    this.#observe = observe
    this.#listener = listener
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
    return this.#lastError
  }

  /** Begins to connect. Idempotent. */
  open(): void {
    this.#running ??= this.#run()
  }

  /** Ends and stays ended. Idempotent, never rejects; takes at most about `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    this.#closing.abort()
    this.#pause.cut()
    await this.#line?.close(timeoutMs)
    await this.#running
  }

  async #run(): Promise<void> {
    let failures = 0
    while (!this.#closing.signal.aborted) {
      const line = await this.#dial()
      if (line === undefined) {
        await this.#backOff('failed', failures++)
        continue
      }
      const since = performance.now()
      await this.#serve(line)
      if (performance.now() - since >= STABLE_MS) failures = 0
      await this.#backOff('lost', failures++)
    }
  }

  async #dial(): Promise<Line | undefined> {
    try {
      return await dial(this.#settings, this.#closing.signal)
    } catch (error) {
      this.#lastError = error
      return undefined
    }
  }

  async #serve(line: Line): Promise<void> {
    if (this.#closing.signal.aborted) return line.destroy()
    line.model.on('blocked', (reason) => this.#block(true, String(reason)))
    line.model.on('unblocked', () => this.#block(false))
    if (this.#guarded) guardFrames(line.model)
    this.#line = line
    this.#observe({ name: 'connection', role: this.#role, status: 'connected', peer: line.peer })
    this.#listener.up(line)
    this.#lastError = await line.closed
    this.#guarded ||= isUnreadable(this.#lastError)
    this.#line = undefined
    if (this.#blocked) this.#block(false)
    this.#listener.down()
  }

  #block(blocked: boolean, reason?: string): void {
    this.#blocked = blocked
    this.#observe({ name: 'blocked', blocked, ...(reason === undefined ? {} : { reason }) })
    this.#listener.blocked?.(blocked)
  }

  async #backOff(status: 'lost' | 'failed', failures: number): Promise<void> {
    if (this.#closing.signal.aborted) return
    const error = this.#lastError
    const retryInMs = fullJitter(failures, BASE_DELAY_MS, MAX_DELAY_MS) + (isRefusedLogin(error) ? REFUSED_DELAY_MS : 0)
    this.#observe({ name: 'connection', role: this.#role, status, error, retryInMs })
    await this.#pause.wait(retryInMs)
  }
}
