import type { TimedEvent } from './events.ts'
import type { Ledger } from './ledger.ts'
import type { Strike } from './strikes.ts'
import { figuresOf, type Wait, type WaitFigures, waitsOf } from './waits.ts'

/** What happened within one slice of a run. */
export interface Slice {
  /** Its begin, in ms since that of the run. */
  readonly atMs: number
  /** Jobs enqueued and done (each once), a second. */
  readonly enqueuedPerSecond: number
  readonly donePerSecond: number
  /** Jobs enqueued and not done, at its end. */
  readonly open: number
  /** How long the jobs enqueued in it waited. */
  readonly waits: WaitFigures
}

/** One worker's life. */
export interface Life {
  readonly worker: string
  readonly pid: number
  readonly fromMs: number
  readonly toMs: number
  readonly done: number
  readonly end: string
}

/** One strike, and what became of the jobs in flight. */
export interface StrikeRow {
  readonly atMs: number
  /** How long the broker was away, of a restart. */
  readonly tookMs: number | undefined
  readonly strike: Strike
  readonly worker: string | undefined
  readonly hit: number
  readonly outcome: string
}

/** A run as a report draws it. */
export interface RunSeries {
  readonly lengthMs: number
  readonly sliceMs: number
  readonly slices: readonly Slice[]
  readonly lives: readonly Life[]
  readonly strikes: readonly StrikeRow[]
}

const MOST_SLICES = 120
const SLICES_MS = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000]

/** The series of a run, from its ledger. Pure. */
export function seriesOf(ledger: Ledger, events: readonly TimedEvent[]): RunSeries {
  const times = [...events, ...ledger.enqueued, ...ledger.done].map(({ t }) => t)
  const begin = times.reduce((least, t) => Math.min(least, t), Number.POSITIVE_INFINITY)
  const lengthMs = times.reduce((most, t) => Math.max(most, t), begin) - begin
  const sliceMs = SLICES_MS.find((ms) => lengthMs / ms <= MOST_SLICES) ?? SLICES_MS.at(-1)!
  return {
    lengthMs,
    sliceMs,
    slices: slicesOf(ledger, begin, lengthMs, sliceMs),
    lives: livesOf(ledger, events, begin, lengthMs),
    strikes: strikesOf(ledger, events, begin),
  }
}

function slicesOf(ledger: Ledger, begin: number, lengthMs: number, sliceMs: number): Slice[] {
  const indexOf = (t: number) => Math.floor((t - begin) / sliceMs)
  const count = Number.isFinite(lengthMs) ? Math.floor(lengthMs / sliceMs) + 1 : 0
  const enqueued = new Uint32Array(count)
  const done = new Uint32Array(count)
  const waits: Wait[][] = Array.from({ length: count }, () => [])
  const sent = new Set(ledger.enqueued.map(({ id }) => id))
  for (const { t } of ledger.enqueued) enqueued[indexOf(t)]!++
  for (const [id, t] of firstTimes(ledger.done)) if (sent.has(id)) done[indexOf(t)]!++
  for (const wait of waitsOf(ledger)) waits[indexOf(wait.enqueuedAt)]!.push(wait)
  let open = 0
  return waits.map((inSlice, index) => {
    open += enqueued[index]! - done[index]!
    return {
      atMs: index * sliceMs,
      enqueuedPerSecond: (enqueued[index]! * 1_000) / sliceMs,
      donePerSecond: (done[index]! * 1_000) / sliceMs,
      open,
      waits: figuresOf(inSlice),
    }
  })
}

function firstTimes(entries: Ledger['done']): Map<string, number> {
  const times = new Map<string, number>()
  for (const { id, t } of entries) if (!times.has(id)) times.set(id, t)
  return times
}

function livesOf({ done }: Ledger, events: readonly TimedEvent[], begin: number, lengthMs: number): Life[] {
  const counts = new Map<number, number>()
  for (const { pid } of done) counts.set(pid, (counts.get(pid) ?? 0) + 1)
  return events.flatMap((event) => {
    if (event.event !== 'start') return []
    const { worker, pid, t } = event
    const end = events.find((other) => other.event === 'end' && other.worker === worker)
    const toMs = end === undefined ? lengthMs : end.t - begin
    return [{ worker, pid, fromMs: t - begin, toMs, done: counts.get(pid) ?? 0, end: endOf(end) }]
  })
}

function endOf(event: TimedEvent | undefined): string {
  if (event?.event !== 'end') return 'still running'
  return `${event.unasked ? 'ended by itself, ' : ''}${event.signal ?? `exit code ${event.code}`}`
}

function strikesOf(ledger: Ledger, events: readonly TimedEvent[], begin: number): StrikeRow[] {
  return events.flatMap((event) => {
    if (event.event !== 'strike') return []
    const { strike, worker, hit, tookMs, t } = event
    const outcome = hit === 0 ? 'void: nothing was in flight' : outcomeOf(ledger, pidsAt(events, worker, t), t)
    return [{ atMs: t - begin, tookMs, strike, worker, hit, outcome }]
  })
}

/** The processes of a worker, or of all that lived at a time. */
function pidsAt(events: readonly TimedEvent[], worker: string | undefined, at: number): Set<number> {
  const ended = new Set(events.flatMap((event) => (event.event === 'end' && event.t < at ? [event.worker] : [])))
  return new Set(
    events.flatMap((event) => {
      if (event.event !== 'start' || ended.has(event.worker)) return []
      return worker === undefined || worker === event.worker ? [event.pid] : []
    }),
  )
}

/** What became of the jobs that these processes had in hand at a time. */
function outcomeOf({ started, done, failed }: Ledger, pids: ReadonlySet<number>, at: number): string {
  const inHand = new Map<string, number>()
  for (const { id, pid, t } of started) if (pids.has(pid) && t <= at) inHand.set(id, pid)
  for (const { id, pid, t } of [...done, ...failed]) if (t <= at && inHand.get(id) === pid) inHand.delete(id)
  const after = new Map<string, { readonly pid: number; readonly t: number }>()
  for (const { id, pid, t } of done) if (t > at && inHand.has(id) && !after.has(id)) after.set(id, { pid, t })
  const isOwn = (id: string) => after.get(id)!.pid === inHand.get(id)
  const finished = [...after.keys()]
  const moved = finished.filter((id) => !isOwn(id))
  const lastMs = finished.reduce((last, id) => Math.max(last, after.get(id)!.t - at), 0)
  const parts: string[] = []
  if (finished.length > moved.length) parts.push(`${finished.length - moved.length} done there`)
  if (moved.length > 0) parts.push(`${moved.length} done elsewhere`)
  if (finished.length > 0) parts.push(`the last after ${(lastMs / 1_000).toFixed(1)} s`)
  if (inHand.size > finished.length) parts.push(`${inHand.size - finished.length} never done`)
  return parts.join(', ')
}
