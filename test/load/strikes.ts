import { seededRandom, wholeBetween } from '../../worker/handlers/random.ts'

/** What can be done to a run: SIGKILL or SIGTERM to a worker, a restart of the broker, every connection of the workers cut. */
export const STRIKES = ['kill', 'term', 'restart', 'cut'] as const
export type Strike = (typeof STRIKES)[number]
export type StrikeCounts = Readonly<Record<Strike, number>>

/** A strike, and when its time has come. */
export interface PlannedStrike {
  readonly strike: Strike
  /** The share of the jobs (0 to 1) that must be enqueued. */
  readonly after: number
}

/** The strikes of a run in a random order, evenly over the middle of it: the workers have begun, and there is work left. Pure. */
export function strikesOf(counts: StrikeCounts, seed: number): PlannedStrike[] {
  const strikes = STRIKES.flatMap((strike) => Array.from({ length: counts[strike] }, () => strike))
  const random = seededRandom(seed)
  for (let last = strikes.length - 1; last > 0; last--) {
    const other = wholeBetween(random, 0, last)
    const swapped = strikes[last]!
    strikes[last] = strikes[other]!
    strikes[other] = swapped
  }
  return strikes.map((strike, index) => ({ strike, after: 0.1 + (0.8 * (index + 0.5)) / strikes.length }))
}
