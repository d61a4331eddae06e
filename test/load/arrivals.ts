import { setTimeout as pause } from 'node:timers/promises'
import type { JobDefinition } from '../../worker/define.ts'
import { messageOf, TidemillError, toError } from '../../worker/errors.ts'
import type { Producer } from '../../worker/producer.ts'
import type { LedgerWriter } from './ledger.ts'
import type { PlannedJob } from './plan.ts'

type AnyJob = JobDefinition<any, any, any>

export interface ArrivalsOptions {
  /** Begins every id. */
  readonly run: string
  readonly plan: readonly PlannedJob[]
  /** The type that is enqueued; its schema, where it has one, is checked. */
  readonly job: AnyJob
  readonly producer: Producer
  readonly ledger: LedgerWriter
  readonly signal: AbortSignal
}

/** Jobs sent and not yet confirmed, at most. */
const WINDOW = 2_000
const AGAIN_MS = 200
const PATIENCE_MS = 90_000
/** The job is not on the broker: it may be sent again as it is. */
const NOT_SENT: readonly string[] = ['BLOCKED', 'REFUSED', 'UNROUTABLE']
/** The job may be on the broker: another one is sent in its place. */
const UNKNOWN: readonly string[] = ['CONNECTION_LOST', 'CONFIRM_TIMEOUT']

/** Enqueues the jobs of a plan when their time has come, and writes each into the ledger when the broker has confirmed it. */
export class Arrivals {
  readonly #options: ArrivalsOptions
  readonly #poison: AnyJob
  readonly #keys = new Map<string, Promise<void>>()
  /** When each job was confirmed, ms since the epoch. */
  readonly enqueuedAt = new Map<string, number>()
  #open = 0
  #latestMs = 0
  #confirmedAt = performance.now()
  #error: Error | undefined
  #wake: (() => void) | undefined

  constructor(options: ArrivalsOptions) {
    this.#options = options
    const { type } = options.job
    const decode = (body: Uint8Array) => body
    this.#poison = { type, handler() {}, codec: { contentType: 'application/json', encode: () => POISON, decode } }
  }

  /** Jobs that the broker has confirmed. */
  get confirmed(): number {
    return this.enqueuedAt.size
  }

  /** How late the latest job was sent, in ms. */
  get latestMs(): number {
    return this.#latestMs
  }

  /** Resolves when every job is confirmed. Rejects with the first error that no other try can mend. */
  async send(): Promise<void> {
    const { plan, signal } = this.#options
    const begun = performance.now()
    this.#confirmedAt = begun
    for (const [index, job] of plan.entries()) {
      const lateMs = await this.#until(begun + job.atMs)
      this.#latestMs = Math.max(this.#latestMs, lateMs)
      while (this.#open >= WINDOW && this.#error === undefined) await this.#change()
      signal.throwIfAborted()
      if (this.#error !== undefined) break
      this.#open++
      this.#inOrder(job, index)
        .catch((error) => {
          this.#error ??= toError(error)
        })
        .finally(() => {
          this.#open--
          this.#wake?.()
        })
    }
    while (this.#open > 0 && this.#error === undefined) await this.#change()
    if (this.#error !== undefined) throw this.#error
  }

  async #until(due: number): Promise<number> {
    let leftMs = due - performance.now()
    // Timers fire a little late, and everything due by then is sent at once.
    if (leftMs > 1) {
      await pause(leftMs, undefined, { signal: this.#options.signal })
      leftMs = due - performance.now()
    }
    return Math.max(0, -leftMs)
  }

  #change(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }

  /** Jobs of one key are sent one after the other, each when the one before is confirmed: else they would have no order to keep. */
  #inOrder(job: PlannedJob, index: number): Promise<void> {
    const { key } = job
    if (key === undefined) return this.#confirm(job, index)
    const sent = (this.#keys.get(key) ?? Promise.resolve()).then(() => this.#confirm(job, index))
    this.#keys.set(key, sent)
    return sent
  }

  async #confirm(job: PlannedJob, index: number): Promise<void> {
    const { run, ledger, signal, producer } = this.#options
    const { key, payload, isPoison } = job
    const name = `${run}-${String(index).padStart(6, '0')}`
    let again = 0
    for (;;) {
      const id = again === 0 ? name : `${name}-again-${again}`
      try {
        await producer.enqueue(isPoison ? this.#poison : this.#options.job, payload, {
          id,
          ...(key !== undefined && { key }),
        })
        this.enqueuedAt.set(id, Date.now())
        this.#confirmedAt = performance.now()
        ledger.write('enqueued', id, { ...(key !== undefined && { key }), ...(isPoison && { planted: true }) })
        return
      } catch (error) {
        signal.throwIfAborted()
        const code = error instanceof TidemillError ? error.code : ''
        if (!NOT_SENT.includes(code) && !UNKNOWN.includes(code)) throw error
        if (performance.now() - this.#confirmedAt > PATIENCE_MS) {
          const seconds = PATIENCE_MS / 1_000
          throw new TidemillError('NO_BROKER', `no job was confirmed for ${seconds} s: ${messageOf(error)}`, {
            cause: error,
          })
        }
        if (UNKNOWN.includes(code)) {
          ledger.write('unconfirmed', id)
          again++
        }
        await pause(AGAIN_MS, undefined, { signal })
      }
    }
  }
}

/** No JSON. */
const POISON = new TextEncoder().encode('{"poison":')
