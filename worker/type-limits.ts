import type { Delivery } from './contracts.ts'

/** What to do with a delivery of a type that has a limit. */
export type Admission = 'run' | 'park' | 'defer'

interface Limited {
  readonly limit: number
  running: number
  readonly parked: Delivery[]
}

/**
 * Keeps one slow type from taking every slot (`maxConcurrent`). A job over its type's limit is parked, one per type, so
 * that it can start at once; more than that would fill the prefetch window with jobs that can't run, so they are
 * deferred to the retry ladder, uncounted. Deferring is paced, because a backlog of nothing but that type would
 * otherwise circle through the ladder as fast as the broker can carry it; past the pace, jobs are parked too.
 */
export class TypeLimits {
  readonly #types = new Map<string, Limited>()
  readonly #deferralsPerSecond: number
  readonly #now: () => number
  #parked = 0
  #tokens: number
  #refilledAt: number

  /** @param now a monotonic clock in ms */
  constructor(limits: ReadonlyMap<string, number>, deferralsPerSecond: number, now: () => number) {
    for (const [type, limit] of limits) this.#types.set(type, { limit, running: 0, parked: [] })
    this.#deferralsPerSecond = deferralsPerSecond
    this.#now = now
    this.#tokens = deferralsPerSecond
    this.#refilledAt = now()
  }

  /** Jobs that wait here for a slot of their type. */
  get parked(): number {
    return this.#parked
  }

  /** Decides on a delivery; with `run` its type counts one more, with `park` it is kept here. */
  admit(type: string, delivery: Delivery): Admission {
    const limited = this.#types.get(type)
    if (limited === undefined) return 'run'
    if (limited.running < limited.limit) {
      limited.running++
      return 'run'
    }
    if (limited.parked.length > 0 && this.#spend()) return 'defer'
    limited.parked.push(delivery)
    this.#parked++
    return 'park'
  }

  /** Counts one less of the type and returns the parked delivery that takes its place, counted, if there is one. */
  done(type: string): Delivery | undefined {
    const limited = this.#types.get(type)
    if (limited === undefined) return undefined
    const next = limited.parked.shift()
    if (next === undefined) limited.running--
    else this.#parked--
    return next
  }

  /** Takes out what is parked beyond one per type, as far as the pace allows: the caller defers it. */
  overflow(): Delivery[] {
    const out: Delivery[] = []
    for (const { parked } of this.#types.values()) {
      while (parked.length > 1 && this.#spend()) {
        out.push(parked.pop()!)
        this.#parked--
      }
    }
    return out
  }

  /** Takes out all that is parked: the caller releases it. */
  clear(): Delivery[] {
    const out = [...this.#types.values()].flatMap(({ parked }) => parked.splice(0))
    this.#parked = 0
    return out
  }

  #spend(): boolean {
    const now = this.#now()
    this.#tokens = Math.min(
      this.#deferralsPerSecond,
      this.#tokens + ((now - this.#refilledAt) / 1000) * this.#deferralsPerSecond,
    )
    this.#refilledAt = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
