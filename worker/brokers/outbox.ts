import type { WorkerEvent } from '../contracts.ts'
import { messageOf } from '../errors.ts'
import { fullJitter } from './waiting.ts'

const BASE_DELAY_MS = 200
const MAX_DELAY_MS = 5_000
/** A confirm that takes longer than this is a way that is not free. */
const SLOW_MS = 1_000

/** A job for as long as the broker does not take it back. */
interface Leased {
  readonly lease: AbortSignal
}

/**
 * Writes the copies of jobs (retries, dead letters, suspects), again and again until the broker has them. As long as
 * one can't be written the outbox holds: its job stays unacknowledged, and no more jobs are to be pulled.
 */
export class Outbox<Copy> {
  readonly #publish: (copy: Copy) => Promise<void>
  readonly #observe: (event: WorkerEvent) => void
  readonly #onHold: (held: boolean) => void
  readonly #held = new Set<Leased>()
  readonly #wakes = new Set<() => void>()
  #busy = 0
  #stopped = false

  /** `publish` resolves once the broker has a copy. `onHold` is told when the holding begins and when it ends. */
  constructor(
    publish: (copy: Copy) => Promise<void>,
    observe: (event: WorkerEvent) => void,
    onHold: (held: boolean) => void,
  ) {
    this.#publish = publish
    this.#observe = observe
    this.#onHold = onHold
  }

  get holding(): boolean {
    return this.#held.size > 0
  }

  /** Copies that are being written. */
  get busy(): number {
    return this.#busy
  }

  /** True once the broker has the copy. False when the job's lease was lost first, or the outbox was stopped. Never rejects. */
  async write(delivery: Leased, copy: Copy): Promise<boolean> {
    this.#busy++
    try {
      for (let failures = 0; !delivery.lease.aborted && !this.#stopped; failures++) {
        const error = await this.#attempt(delivery, copy)
        if (error === undefined) return true
        if (delivery.lease.aborted || this.#stopped) return false
        this.#hold(delivery, error)
        await this.#wait(fullJitter(failures, BASE_DELAY_MS, MAX_DELAY_MS))
      }
      return false
    } finally {
      this.#busy--
      this.#free(delivery)
    }
  }

  /** Tries at once what is waiting: the way may be free again, or a lease lost. */
  wake(): void {
    for (const wake of [...this.#wakes]) wake()
  }

  /** Gives up on what can't be written. */
  stop(): void {
    this.#stopped = true
    this.wake()
  }

  async #attempt(delivery: Leased, copy: Copy): Promise<unknown> {
    const slow = setTimeout(() => this.#hold(delivery, `no confirm within ${SLOW_MS} ms`), SLOW_MS)
    try {
      await this.#publish(copy)
      return undefined
    } catch (error) {
      return error ?? 'unknown'
    } finally {
      clearTimeout(slow)
    }
  }

  #hold(delivery: Leased, error: unknown): void {
    const first = this.#held.size === 0
    if (this.#held.has(delivery)) return
    this.#held.add(delivery)
    if (first) this.#onHold(true)
    this.#observe({ name: 'held', held: true, jobs: this.#held.size, reason: messageOf(error) })
  }

  #free(delivery: Leased): void {
    if (!this.#held.delete(delivery)) return
    this.#observe({ name: 'held', held: this.#held.size > 0, jobs: this.#held.size })
    if (this.#held.size === 0) this.#onHold(false)
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        this.#wakes.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      this.#wakes.add(wake)
    })
  }
}
