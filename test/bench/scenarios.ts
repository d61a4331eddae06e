/** One load that both contestants are measured under. */
export interface Scenario {
  readonly name: string
  readonly queueType: 'quorum' | 'classic'
  readonly handler: HandlerName
  /** tidemill's concurrency, and the loop's prefetch. */
  readonly concurrency: number
  /** tidemill only; its prefetch is the sum of both. */
  readonly readAhead: number
  readonly aim: { readonly throughput: number; readonly cpu: number } | undefined
}

export type HandlerName = 'no-op' | '5 ms' | '1-9 ms'

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'no-op, quorum queue',
    queueType: 'quorum',
    handler: 'no-op',
    concurrency: 100,
    readAhead: 0,
    aim: { throughput: 1.5, cpu: 0.75 },
  },
  {
    name: 'no-op, classic queue',
    queueType: 'classic',
    handler: 'no-op',
    concurrency: 100,
    readAhead: 0,
    aim: { throughput: 1.5, cpu: 0.75 },
  },
  {
    name: '5 ms jobs, read-ahead 100, quorum queue',
    queueType: 'quorum',
    handler: '5 ms',
    concurrency: 100,
    readAhead: 100,
    aim: { throughput: 1.7, cpu: 0.8 },
  },
  {
    name: '1-9 ms jobs out of order, quorum queue',
    queueType: 'quorum',
    handler: '1-9 ms',
    concurrency: 100,
    readAhead: 0,
    aim: { throughput: 1, cpu: 0.9 },
  },
]

/** What a consumer's process is told, as JSON in its first argument. */
export interface Task {
  readonly url: string
  readonly queue: string
  /** The consumer group, where the broker has such. */
  readonly group?: string
  readonly handler: HandlerName
  readonly concurrency: number
  readonly readAhead: number
  /** Jobs that are run before the measurement begins. */
  readonly warmUp: number
  /** Jobs that are measured. */
  readonly jobs: number
  /** tidemill only: handlers are given the body's bytes, not its JSON parsed. Default false. */
  readonly isRaw?: boolean
  /** Where to write a CPU profile of the measured part. */
  readonly profile?: string
}

/** The task that this process was given. */
export function readTask(): Task {
  return JSON.parse(process.argv[2] ?? '')
}

/** The type of every message of the benchmark. */
export const JOB_TYPE = 'bench.job'

/** The work of one job; both contestants call the same. */
export function handlerOf(name: HandlerName): () => Promise<void> {
  if (name === 'no-op') return async () => {}
  if (name === '5 ms') return () => new Promise((resolve) => setTimeout(resolve, 5))
  let turn = 0
  // 1 to 9 ms, so that each job is overtaken by some of those that came after it.
  return () => new Promise((resolve) => setTimeout(resolve, 1 + ((turn++ * 7) % 9)))
}
