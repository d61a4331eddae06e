import type { HandlerName } from '../scenarios.ts'

/** One program that takes part. */
export interface Contestant {
  readonly name: string
  /** The file beside this one, or above it, without its extension. */
  readonly program: string
  /** Run from its source, because it reads files beside its own. */
  readonly isUnbundled?: true
  /** It is given the body as it is, as the loops are, not parsed as JSON. */
  readonly isRaw?: true
  /** The share of the jobs that it is given: what runs one job at a time would take all day. Default 1. */
  readonly share?: number
}

/** One load, under which contestants are measured against a reference. */
export interface Bout {
  readonly name: string
  readonly handler: HandlerName
  readonly concurrency: number
  /** Of the jobs of a full run. */
  readonly share: number
  /** Whose figures the others' are divided by. */
  readonly reference: string
  readonly contestants: readonly Contestant[]
  readonly aim: { readonly throughput: number; readonly cpu: number }
}

const TIDEMILL: Contestant = { name: 'tidemill', program: 'tidemill' }
const TIDEMILL_RAW: Contestant = { name: 'tidemill, raw bodies', program: 'tidemill', isRaw: true }
const EACH_MESSAGE: Contestant = { name: 'eachMessage', program: 'each-message' }
const EACH_BATCH: Contestant = { name: 'eachBatch', program: 'each-batch' }
const PLATFORMATIC: Contestant = { name: '@platformatic/kafka', program: 'platformatic', isUnbundled: true }

export const BOUTS: readonly Bout[] = [
  {
    name: 'no-op, 4 partitions',
    handler: 'no-op',
    concurrency: 100,
    share: 1,
    reference: 'eachMessage',
    contestants: [TIDEMILL, TIDEMILL_RAW, EACH_MESSAGE, EACH_BATCH, PLATFORMATIC],
    aim: { throughput: 1.5, cpu: 0.75 },
  },
  {
    name: '5 ms jobs, 100 at once (tidemill: in order by key), 4 partitions',
    handler: '5 ms',
    concurrency: 100,
    share: 0.2,
    reference: 'eachBatch',
    contestants: [TIDEMILL, TIDEMILL_RAW, EACH_BATCH, { ...EACH_MESSAGE, share: 0.04 }, PLATFORMATIC],
    aim: { throughput: 1, cpu: 1 },
  },
]
