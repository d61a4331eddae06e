import { seededRandom, wholeBetween } from '../../worker/handlers/random.ts'
import type { Arrival } from './trace.ts'

/** One job of a load, before it is sent. */
export interface PlannedJob {
  /** ms since the begin of the trace. */
  readonly atMs: number
  readonly key: string | undefined
  readonly payload: unknown
  /** Its body will be no JSON: no try can make it valid. */
  readonly isPoison: boolean
}

export interface PlanOptions {
  readonly arrivals: readonly Arrival[]
  /** The payload of the n-th job, from 0. */
  payloadOf(index: number): unknown
  /** How many ordering keys there are; 0: jobs have none, but for those of the trace. */
  readonly keys: number
  /** How many of the jobs are made to fail; they lie evenly within the trace. */
  readonly poison: number
  readonly seed: number
}

/** Every job of a load, in the order in which they are sent. Pure: the same options give the same jobs. */
export function planOf({ arrivals, payloadOf, keys, poison, seed }: PlanOptions): PlannedJob[] {
  const random = seededRandom(seed)
  const count = arrivals.length
  const poisoned = new Set(Array.from({ length: poison }, (_, index) => Math.floor(((index + 0.5) * count) / poison)))
  return arrivals.map(({ atMs, key, payload }, index) => ({
    atMs,
    key: key ?? (keys > 0 ? `key-${wholeBetween(random, 1, keys)}` : undefined),
    payload: payload === undefined ? payloadOf(index) : payload,
    isPoison: poisoned.has(index),
  }))
}
