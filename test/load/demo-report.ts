import type { Protocol } from '../../deploy/local/contracts.ts'
import { readLedger } from './ledger.ts'
import { counted } from './live-view.ts'
import { judge } from './oracle.ts'
import { isPutOff } from './slow-orders.ts'

/** What was found when every worker of a demo had ended. */
export interface DemoFindings {
  readonly broker: Protocol
  /** The folder with `enqueued.ndjson`, `started.ndjson` and `done.ndjson`. */
  readonly ledger: string
  readonly deadIds: readonly string[]
  readonly plantedIds: readonly string[]
  /** Jobs that were still in a queue. */
  readonly left: number
  /** Every worker's exit code. */
  readonly exits: readonly number[]
  readonly sigterm: { readonly inFlight: number; readonly exitCode: number }
}

/** What a demo came to. */
export interface DemoReport extends Omit<DemoFindings, 'exits'> {
  /** Nothing lost, nothing done twice, nothing left in a queue, dead what was planted, and every worker ended with 0. */
  readonly ok: boolean
  readonly enqueued: number
  readonly done: number
  readonly dead: number
  readonly lost: number
  readonly duplicated: number
}

/** Counts again from the ledger's files. */
export async function recount({ exits, ...findings }: DemoFindings): Promise<DemoReport> {
  const { deadIds, plantedIds, left } = findings
  const { enqueued, started, done } = await readLedger(findings.ledger)
  const ids = (entries: readonly { readonly id: string }[]) => entries.map(({ id }) => id)
  const evidence = { confirmed: ids(enqueued), started: ids(started), done: ids(done), dead: deadIds }
  const verdict = judge({ ...evidence, planted: plantedIds })
  const lost = verdict.lost.length
  const duplicated = verdict.duplicated.length
  const isDeadAsPlanted = [...deadIds].sort().join() === [...plantedIds].sort().join()
  const hasEndedWell = left === 0 && exits.every((code) => code === 0)
  const { broker, sigterm, ledger } = findings
  return {
    ok: verdict.ok && duplicated === 0 && isDeadAsPlanted && hasEndedWell,
    broker,
    enqueued: verdict.enqueued,
    done: verdict.done,
    dead: deadIds.length,
    deadIds,
    plantedIds,
    lost,
    duplicated,
    left,
    sigterm,
    ledger,
  }
}

/** The summary: what happened, and as its last line the count. */
export function summaryOf(report: DemoReport, orders: number): string[] {
  const { enqueued, done, dead, lost, duplicated, left, sigterm, deadIds, plantedIds, ledger } = report
  const putOff = Array.from({ length: orders }, (_, index) => `order-1-${index}`).filter(isPutOff).length
  return [
    `SIGTERM came with ${counted(sigterm.inFlight, 'job')} in flight; that worker ended with exit code ${sigterm.exitCode}.`,
    `${counted(putOff, 'order')} put off once by a retry and then done.`,
    `Planted poison: ${plantedIds.join(', ')}. Dead-lettered: ${deadIds.join(', ') || 'nothing'}.`,
    ...(left === 0 ? [] : [`${counted(left, 'job')} still in a queue when every worker had ended.`]),
    `Count it yourself: ${ledger}`,
    `enqueued ${enqueued}, done ${done}, dead ${dead}, lost ${lost}, duplicated ${duplicated}`,
  ]
}
