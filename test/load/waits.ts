import type { Ledger } from './ledger.ts'

/** How long jobs waited, in ms. Null where no job began. */
export interface WaitFigures {
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
  readonly max: number | null
}

/** One job's wait. */
export interface Wait {
  /** When the broker confirmed it, ms since the epoch. */
  readonly enqueuedAt: number
  readonly waitMs: number
}

/** From the broker's confirm to the first begin of a handler, of each job that began, in the order in which they were enqueued. */
export function waitsOf({ enqueued, started }: Pick<Ledger, 'enqueued' | 'started'>): Wait[] {
  const begins = new Map<string, number>()
  for (const { id, t } of started) begins.set(id, Math.min(t, begins.get(id) ?? t))
  const waits: Wait[] = []
  for (const { id, t: enqueuedAt } of enqueued) {
    const begin = begins.get(id)
    // A worker can be faster than the confirm.
    if (begin !== undefined) waits.push({ enqueuedAt, waitMs: Math.max(0, begin - enqueuedAt) })
  }
  return waits
}

/** Percentiles by the nearest rank: each is the wait of a job that there was. */
export function figuresOf(waits: readonly Wait[]): WaitFigures {
  const sorted = Float64Array.from(waits, ({ waitMs }) => waitMs).sort()
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) }
}
