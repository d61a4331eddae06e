import { readEvents } from './events.ts'
import { type Ledger, readLedger } from './ledger.ts'
import { counted } from './live-view.ts'
import { judge, type Verdict } from './oracle.ts'
import { overtaken } from './order.ts'
import { STRIKES, type Strike, type StrikeCounts } from './strikes.ts'
import { figuresOf, type WaitFigures, waitsOf } from './waits.ts'

/** What a run was asked for, and what was found when every worker had ended: all that is not in the ledger. */
export interface LoadFindings {
  readonly broker: string
  /** The folder of the ledger. */
  readonly ledger: string
  /** Whether the broker keeps the jobs of a key in order. */
  readonly ordersByKey: boolean
  readonly strikes: StrikeCounts
  readonly duplicatesLimit: number
  /** Jobs that the broker still held. */
  readonly left: number
  /** How late the latest job was sent, in ms. */
  readonly lateMs: number
  /** Why the run was given up, where it was. */
  readonly stalled?: string
}

/** What a load came to. Every figure of jobs and strikes is counted from the ledger. */
export interface LoadReport {
  /** No fault at all. */
  readonly ok: boolean
  readonly broker: string
  /** Jobs that the broker confirmed, and how many of them were done. */
  readonly enqueued: number
  readonly done: number
  /** Dead letters of this run. */
  readonly dead: number
  readonly lost: number
  readonly duplicated: number
  /** Jobs that were done after a later one of the same key. */
  readonly orderViolations: number
  /** Strikes that hit work in flight, by kind. */
  readonly kills: number
  readonly terms: number
  readonly restarts: number
  readonly cuts: number
  /** Strikes that hit none, and were tried again. */
  readonly voids: number
  /** Ends of workers that nobody asked for. */
  readonly crashes: number
  /** Jobs that the broker still held at the end. */
  readonly left: number
  /** From the broker's confirm to the first begin of a handler, in ms. */
  readonly waitMs: WaitFigures
  /** How late the latest job was sent, in ms: more than a moment says that the trace was not held. */
  readonly lateMs: number
  readonly ledger: string
  /** Why it is not ok, one sentence each. */
  readonly faults: readonly string[]
}

const SHOWN = 5
const LATE_MS = 1_000

/** Counts from the files of the ledger. */
export async function recountLoad(findings: LoadFindings): Promise<LoadReport> {
  const { broker, ordersByKey, left } = findings
  const ledger = await readLedger(findings.ledger)
  const events = await readEvents(findings.ledger)
  const planted = new Set(ledger.enqueued.filter((entry) => entry.planted).map(({ id }) => id))
  const verdict = judgeLedger(ledger, planted)
  const late = overtaken(ledger.enqueued, ledger.done, new Set(ledger.failed.map(({ id }) => id)))
  const strikes = events.filter((event) => event.event === 'strike')
  const hits = (kind: Strike) => strikes.filter(({ strike, hit }) => strike === kind && hit > 0).length
  const counted = { kill: hits('kill'), term: hits('term'), restart: hits('restart'), cut: hits('cut') }
  const faults = [
    ...faultsOf(verdict, planted, findings),
    ...(ordersByKey && late.length > 0 ? [`${named(late)} done after a later job of the same key`] : []),
    ...STRIKES.filter((kind) => counted[kind] < findings.strikes[kind]).map(
      (kind) =>
        `${MISSING[kind]}: asked for ${findings.strikes[kind]}, ${counted[kind]} hit work in flight; a longer run leaves more time`,
    ),
  ]
  return {
    ok: faults.length === 0,
    broker,
    enqueued: verdict.enqueued,
    done: verdict.done - verdict.recovered.length,
    dead: verdict.deadIds.length,
    lost: verdict.lost.length,
    duplicated: verdict.duplicated.length,
    orderViolations: late.length,
    kills: counted.kill,
    terms: counted.term,
    restarts: counted.restart,
    cuts: counted.cut,
    voids: strikes.filter(({ hit }) => hit === 0).length,
    crashes: events.filter((event) => event.event === 'end' && event.unasked).length,
    left,
    waitMs: figuresOf(waitsOf(ledger)),
    lateMs: findings.lateMs,
    ledger: findings.ledger,
    faults,
  }
}

const MISSING: Readonly<Record<Strike, string>> = {
  kill: 'kills',
  term: 'terms',
  restart: 'restarts of the broker',
  cut: 'cuts of the connections',
}

function judgeLedger(ledger: Ledger, planted: Iterable<string>): Verdict {
  const ids = (page: keyof Ledger) => ledger[page].map(({ id }) => id)
  return judge({
    confirmed: ids('enqueued'),
    unconfirmed: ids('unconfirmed'),
    started: ids('started'),
    done: ids('done'),
    dead: ids('dead'),
    planted,
  })
}

function faultsOf(verdict: Verdict, planted: ReadonlySet<string>, findings: LoadFindings): string[] {
  const { lost, duplicated, unexpected } = verdict
  const { duplicatesLimit, left, stalled } = findings
  const dead = new Set(verdict.deadIds)
  const condemned = lost.filter((id) => dead.has(id))
  const missing = lost.filter((id) => !dead.has(id) && !planted.has(id))
  const spared = [...planted].filter((id) => !dead.has(id))
  const faults: string[] = []
  if (stalled !== undefined) faults.push(stalled)
  if (missing.length > 0) faults.push(`${named(missing)} neither done nor dead-lettered`)
  if (condemned.length > 0) faults.push(`${named(condemned)} dead-lettered though not made to fail`)
  if (spared.length > 0) faults.push(`${named(spared)} made to fail and not dead-lettered`)
  if (unexpected.length > 0) faults.push(`${named(unexpected)} in the ledger without having been enqueued or begun`)
  if (duplicated.length > duplicatesLimit)
    faults.push(`${named(duplicated)} done more than once, ${duplicatesLimit} may be`)
  if (left > 0) faults.push(`${counted(left, 'job')} still on the broker at the end`)
  return faults
}

/** How many, and which ones for a start. */
function named(ids: readonly string[]): string {
  const more = ids.length > SHOWN ? ', ...' : ''
  return `${counted(ids.length, 'job')} (${ids.slice(0, SHOWN).join(', ')}${more})`
}

/** The summary: what happened, and as its last line the count. */
export function summaryOf(report: LoadReport): string[] {
  const { enqueued, done, dead, lost, duplicated, orderViolations, waitMs } = report
  const struck = (count: number, noun: string) => (count === 0 ? [] : [counted(count, noun)])
  const strikes = [
    ...struck(report.kills, 'SIGKILL'),
    ...struck(report.terms, 'SIGTERM'),
    ...struck(report.restarts, 'restart'),
    ...struck(report.cuts, 'cut'),
  ]
  const hit =
    strikes.length === 0 ? 'No strike: this shows throughput, not safety.' : `Hit at work: ${strikes.join(', ')}.`
  return [
    hit,
    `Waited from confirm to begin: p50 ${waitMs.p50} ms, p95 ${waitMs.p95} ms, p99 ${waitMs.p99} ms, at most ${waitMs.max} ms.`,
    ...(report.lateMs > LATE_MS ? [`The trace was not held: jobs were sent up to ${report.lateMs} ms late.`] : []),
    ...report.faults.map((fault) => `FAULT: ${fault}`),
    `Count it yourself: ${report.ledger}`,
    `enqueued ${enqueued}, done ${done}, dead ${dead}, lost ${lost}, duplicated ${duplicated}, out of order ${orderViolations}`,
  ]
}
