import type { WriteStream } from 'node:tty'
import type { WorkerDefinition } from '../../worker/define.ts'
import type { StrikeCounts } from './strikes.ts'
import type { Arrival, TraceName } from './trace.ts'

/** Who works: the examples, a worker file as `tidemill work` takes it, or any command that writes the ledger itself. */
export type WorkerChoice =
  | { readonly kind: 'examples' }
  | { readonly kind: 'file'; readonly path: string; readonly definition: WorkerDefinition }
  | { readonly kind: 'command'; readonly words: readonly [string, ...string[]] }

/** What is enqueued; of the examples: orders. */
export interface PayloadChoice {
  readonly type: string
  /** The payload of the n-th job, from 0. */
  of(index: number): unknown
}

/** A load as it is asked for. */
export interface LoadRequest {
  /** `rabbitmq`, `kafka`, `memory` or a URL. */
  readonly broker: string
  /** Whether a broker may be installed where it is missing. */
  readonly install: boolean
  readonly worker: WorkerChoice
  /** Default: a queue of the run's own. */
  readonly queue: string | undefined
  readonly trace: TraceName | readonly Arrival[]
  /** Of a trace that is given: at most so many. */
  readonly jobs: number
  /** Jobs a second, on average. */
  readonly rate: number
  /** Undefined: the examples' own. */
  readonly payloads: PayloadChoice | undefined
  /** Ordering keys. Default: 200 where the broker keeps their order, else none. */
  readonly keys: number | undefined
  /** How many of the jobs are made to fail. */
  readonly poison: number
  readonly workers: number
  readonly strikes: StrikeCounts
  /** Restarts a broker that tidemill did not start; run by a shell. */
  readonly restartWith: string | undefined
  readonly seed: number
  readonly duplicatesLimit: number
  /** The folder of the ledger. Default: a new one among the temporary files. */
  readonly ledger: string | undefined
  readonly env: NodeJS.ProcessEnv
  readonly out: WriteStream
  readonly signal: AbortSignal
}
