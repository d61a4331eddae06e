import type { WorkerEvent } from '../contracts.ts'
import { fullJitter, Pause } from './waiting.ts'

const BASE_DELAY_MS = 200
/** A restart of a broker takes seconds, and held jobs wait for its end: it is not to be missed for much longer. */
const MAX_DELAY_MS = 10_000
/** A connection that lived this long was a good one: the next failure starts the back-off anew. */
const STABLE_MS = 5_000

export interface ReconnectionOptions<Line> {
  readonly role: 'consume' | 'publish'
  readonly observe: (event: WorkerEvent) => void
  /** Connects, or rejects with why not. What it was waiting for when `cancel` aborts, it gives up. */
  dial(cancel: AbortSignal): Promise<Line>
  /** Serves a connection until it ends; the reason, where there is one. Never rejects. */
  serve(line: Line): Promise<unknown>
  /** What the wait after such an error is longer by, in ms. */
  penaltyMs?(error: unknown): number
}

/** Connects again and again, for ever, with full jitter, until it is closed. */
export class Reconnection<Line> {
  readonly #options: ReconnectionOptions<Line>
  readonly #closing = new AbortController()
  readonly #pause = new Pause()
  #running: Promise<void> | undefined
  #lastError: unknown

  constructor(options: ReconnectionOptions<Line>) {
    this.#options = options
  }

  /** Why the last connection ended or could not be made. */
  get lastError(): unknown {
    return this.#lastError
  }

  get closing(): boolean {
    return this.#closing.signal.aborted
  }

  /** Begins to connect. Idempotent. */
  open(): void {
    this.#running ??= this.#run()
  }

  /** Makes no more connections. */
  stop(): void {
    this.#closing.abort()
    this.#pause.cut()
  }

  /** Resolves when the last connection has ended. Never rejects. */
  async ended(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    let failures = 0
    while (!this.closing) {
      const line = await this.#dial()
      if (line === undefined) {
        await this.#backOff('failed', failures++)
        continue
      }
      const since = performance.now()
      this.#lastError = await this.#options.serve(line)
      if (performance.now() - since >= STABLE_MS) failures = 0
      await this.#backOff('lost', failures++)
    }
  }

  async #dial(): Promise<Line | undefined> {
    try {
      return await this.#options.dial(this.#closing.signal)
    } catch (error) {
      this.#lastError = error
      return undefined
    }
  }

  async #backOff(status: 'lost' | 'failed', failures: number): Promise<void> {
    if (this.closing) return
    const { role, observe, penaltyMs } = this.#options
    const error = this.#lastError
    const retryInMs = fullJitter(failures, BASE_DELAY_MS, MAX_DELAY_MS) + (penaltyMs?.(error) ?? 0)
    observe({ name: 'connection', role, status, error, retryInMs })
    await this.#pause.wait(retryInMs)
  }
}
