import type { GuardReason } from './contracts.ts'

/** How the process is. */
export interface GuardReading {
  /** How late the event loop came to its timers, in ms: the mean of the last seconds. */
  readonly loopDelayMs: number
  /** The process's memory (RSS) as a part of the container's, 0 to 1; undefined where that has no limit. */
  readonly memory: number | undefined
  /** The heap in use, as a part of its limit. */
  readonly heap: number
  readonly inFlight: number
}

/** A change of how many jobs may run at once. */
export interface GuardChange {
  readonly from: number
  readonly to: number
  readonly reason: GuardReason
}

/** Above one of these, less is begun. */
const HIGH = { loopDelayMs: 250, memory: 0.9, heap: 0.85 } as const
/** Below all of these, more is begun again. In between it stays as it is, so that the limit does not swing. */
const LOW = { loopDelayMs: 100, memory: 0.8, heap: 0.7 } as const
/** The limit is cut to this part of what runs, */
const CUT = 0.5
/** and raised by this part of the concurrency, at least 1. */
const RAISE = 0.1
/** A cut has this long to show. */
const CUT_EVERY_MS = 5_000
/** It must have been well for this long before each raise. */
const RAISE_AFTER_MS = 10_000

/**
 * Finds how many jobs at once the process can bear, as TCP finds its window: a cut by half where it is too much, small
 * steps up while all is well (additive increase, multiplicative decrease; Chiu and Jain 1989). Pure: it is handed its readings and
 * its time.
 */
export class Guard {
  readonly #most: number
  #limit: number
  #cutAt = Number.NEGATIVE_INFINITY
  #wellSince: number | undefined

  /** @param most the concurrency: the limit is never above */
  constructor(most: number) {
    this.#most = most
    this.#limit = most
  }

  get limit(): number {
    return this.#limit
  }

  /**
   * Judges one reading; to be called a few times a second. Returns the change, if it made one.
   * @param now a monotonic clock, in ms
   */
  observe(reading: GuardReading, now: number): GuardChange | undefined {
    const strain = strainOf(reading)
    if (strain !== undefined) {
      this.#wellSince = undefined
      return this.#cut(strain, reading.inFlight, now)
    }
    if (!isWell(reading)) {
      this.#wellSince = undefined
      return undefined
    }
    this.#wellSince ??= now
    return this.#raise(now)
  }

  /** Half of what runs, not of what may: a limit that nothing reaches would be cut to no effect. */
  #cut(reason: GuardReason, inFlight: number, now: number): GuardChange | undefined {
    // Jobs above the limit run on, so that the last cut shows when they have ended.
    if (now - this.#cutAt < CUT_EVERY_MS || inFlight > this.#limit) return undefined
    const to = Math.max(1, Math.floor(CUT * (inFlight === 0 ? this.#limit : inFlight)))
    if (to === this.#limit) return undefined
    this.#cutAt = now
    return this.#change(to, reason)
  }

  #raise(now: number): GuardChange | undefined {
    if (this.#limit === this.#most || now - this.#wellSince! < RAISE_AFTER_MS) return undefined
    this.#wellSince = now
    return this.#change(Math.min(this.#most, this.#limit + Math.ceil(RAISE * this.#most)), 'recovered')
  }

  #change(to: number, reason: GuardReason): GuardChange {
    const from = this.#limit
    this.#limit = to
    return { from, to, reason }
  }
}

function strainOf({ memory = 0, heap, loopDelayMs }: GuardReading): GuardReason | undefined {
  if (memory >= HIGH.memory) return 'memory'
  if (heap >= HIGH.heap) return 'heap'
  return loopDelayMs >= HIGH.loopDelayMs ? 'event-loop' : undefined
}

function isWell({ memory = 0, heap, loopDelayMs }: GuardReading): boolean {
  return memory <= LOW.memory && heap <= LOW.heap && loopDelayMs <= LOW.loopDelayMs
}
