import { TidemillError } from '../../worker/errors.ts'
import { seededRandom } from '../../worker/handlers/random.ts'

/** When jobs arrive, in ms since the begin of the trace, ascending; and what a trace file says of a job besides. */
export interface Arrival {
  readonly atMs: number
  readonly key?: string
  /** In place of the load's own. */
  readonly payload?: unknown
}

/**
 * The shapes that need no file. `steady`: one job every 1/rate, each somewhere within its interval. `burst`: the same number in five
 * bursts of ten times the rate, and silence between them. `ramp`: the rate grows evenly from nothing to twice the rate.
 */
export const TRACES = ['steady', 'burst', 'ramp'] as const
export type TraceName = (typeof TRACES)[number]

export interface TraceOptions {
  readonly jobs: number
  /** Jobs a second, on average. */
  readonly rate: number
  /** The same seed gives the same trace. */
  readonly seed: number
}

const BURSTS = 5
const BURST_FACTOR = 10

/** The arrivals of one of the shapes. Pure. */
export function arrivalsOf(name: TraceName, { jobs, rate, seed }: TraceOptions): Arrival[] {
  const random = seededRandom(seed)
  const lengthMs = (jobs / rate) * 1_000
  const placeOf = SHAPES[name]
  return Array.from({ length: jobs }, (_, index) => ({ atMs: placeOf((index + random()) / jobs) * lengthMs }))
}

/** The moment within the trace (0 to 1) by which a share of the jobs (0 to 1) has arrived. */
const SHAPES: Readonly<Record<TraceName, (share: number) => number>> = {
  steady: (share) => share,
  burst: (share) => {
    const burst = Math.floor(share * BURSTS)
    return (burst + (share * BURSTS - burst) / BURST_FACTOR) / BURSTS
  },
  // The rate grows as 2 t, so that t^2 of the jobs have arrived.
  ramp: Math.sqrt,
}

/**
 * A trace from text: one JSON value a line, a number of ms or `{"t": ms, "key"?, "payload"?}`; the earliest is the begin, whatever the
 * ms are counted from. So the page `enqueued.ndjson` of a ledger is a trace as well, and replays that run.
 * @throws TidemillError `USAGE` naming the line that is none
 */
export function parseTrace(text: string, name: string): Arrival[] {
  const arrivals: Arrival[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() !== '') arrivals.push(parseArrival(line, `${name}, line ${index + 1}`))
  }
  if (arrivals.length === 0) throw new TidemillError('USAGE', `${name}: expected a trace, got no line at all`)
  arrivals.sort((one, other) => one.atMs - other.atMs)
  const begin = arrivals[0]!.atMs
  return arrivals.map((arrival) => ({ ...arrival, atMs: arrival.atMs - begin }))
}

function parseArrival(line: string, place: string): Arrival {
  const fault = (got: string, cause?: unknown) =>
    new TidemillError('USAGE', `${place}: expected a number of ms or {"t": ms}, got ${got}`, { cause })
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw fault(JSON.stringify(line.slice(0, 80)), cause)
  }
  const { t, key, payload } =
    typeof value === 'number' ? ({ t: value } as Partial<Row>) : ((value ?? {}) as Partial<Row>)
  const isKey = key === undefined || typeof key === 'string'
  if (typeof t !== 'number' || !Number.isFinite(t) || !isKey) throw fault(line.slice(0, 80))
  return { atMs: t, ...(key !== undefined && { key }), ...(payload !== undefined && { payload }) }
}

interface Row {
  readonly t: unknown
  readonly key: unknown
  readonly payload: unknown
}
