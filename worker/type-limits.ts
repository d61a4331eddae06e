import type { Delivery } from './contracts.ts'

/** What to do with a delivery of a type that has a limit. */
export type Admission = 'run' | 'park' | 'defer'

/** How many jobs of these types, all together, may run at once. A type is in one share at most. */
export interface Share {
  readonly types: readonly string[]
  readonly limit: number
}

interface Limited {
  readonly limit: number
  running: number
  readonly parked: Delivery[]
}

/**
 * Keeps slow types from taking every slot (`maxConcurrent`, threads). A job over its share's limit is parked, one per share, so
 * that it can start at once; more than that would fill the prefetch window with jobs that can't run, so they are
 * deferred to the retry ladder, uncounted. Deferring is paced, because a backlog of nothing but that type would
 * otherwise circle through the ladder as fast as the broker can carry it; past the pace, jobs are parked too.
 */
export class TypeLimits {
  readonly #types = new Map<string, Limited>()
  readonly #limited: Limited[] = []
  readonly #deferralsPerSecond: number
  readonly #now: () => number
  #parked = 0
  #tokens: number
  #refilledAt: number

  /** @param now a monotonic clock in ms */
  constructor(shares: readonly Share[], deferralsPerSecond: number, now: () => number) {
    for (const { types, limit } of shares) {
      const limited: Limited = { limit, running: 0, parked: [] }
      for (const type of types) this.#types.set(type, limited)
      this.#limited.push(limited)
    }
    this.#deferralsPerSecond = deferralsPerSecond
    this.#now = now
    this.#tokens = deferralsPerSecond
    this.#refilledAt = now()
  }

  /** Jobs that wait here for a slot of their type. */
  get parked(): number {
    return this.#parked
  }

  /** Decides on a delivery; with `run` its share counts one more, with `park` it is kept here. */
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

  /** Counts one less of the type's share and returns the parked delivery that takes its place, counted, if there is one. */
  done(type: string): Delivery | undefined {
    const limited = this.#types.get(type)
    if (limited === undefined) return undefined
    const next = limited.parked.shift()
    if (next === undefined) limited.running--
    else this.#parked--
    return next
  }

  /** Takes out what is parked beyond one per share, as far as the pace allows: the caller defers it. */
  overflow(): Delivery[] {
    const out: Delivery[] = []
    for (const { parked } of this.#limited) {
      while (parked.length > 1 && this.#spend()) {
        out.push(parked.pop()!)
        this.#parked--
      }
    }
    return out
  }

  /** Takes out all that is parked: the caller releases it. */
  clear(): Delivery[] {
    const out = this.#limited.flatMap(({ parked }) => parked.splice(0))
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

/** What is to be known of a job type to share out the slots. */
interface Sharer {
  readonly type: string
  readonly maxConcurrent: number | undefined
  readonly inThread: boolean
}

/** The shares that bind: each type's own limit, and for all that run in threads the number of those, unless their own is less. */
export function sharesOf(jobs: readonly Sharer[], concurrency: number, threads: number): Share[] {
  const inThreads = jobs.filter((job) => job.inThread && (job.maxConcurrent ?? threads) >= threads)
  const shares: Share[] = [{ types: inThreads.map(({ type }) => type), limit: threads }]
  for (const job of jobs) {
    if (job.maxConcurrent !== undefined && !inThreads.includes(job)) {
      shares.push({ types: [job.type], limit: job.maxConcurrent })
    }
  }
  return shares.filter(({ limit }) => limit < concurrency)
}
