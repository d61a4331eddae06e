import type { Logger } from './contracts.ts'
import { decode } from './decode.ts'
import type { Job, JobDefinition, JobHandler } from './define.ts'
import { inlineJob } from './pool-jobs.ts'

export interface RunJobOptions<R> {
  /** What `setup()` would return. A handler that runs in a thread has its own module's instead. */
  readonly resources?: R
  readonly signal?: AbortSignal
  readonly log?: Logger
  /** Default: `test`. */
  readonly id?: string
  /** Default: 1. */
  readonly attempt?: number
  readonly key?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** How long a thread may go on after `signal` aborted, in ms: half of a worker's `abortGraceMs`, as there. */
const GRACE_MS = 1_000
const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * Runs a handler once with no broker, for tests: the payload goes through encoding, decoding and the schema as it would
 * on the wire; a handler that is a module runs in a thread, as in a worker. Rejects with whatever the handler threw, or `INVALID_PAYLOAD`.
 */
export async function runJob<R, I>(
  job: JobDefinition<any, R, I>,
  payload: I,
  options: RunJobOptions<R> = {},
): Promise<void> {
  const { id = 'test', attempt = 1, key, headers = {}, signal = new AbortController().signal, log = SILENT } = options
  const body = job.codec === undefined ? Buffer.from(JSON.stringify(payload) ?? '') : job.codec.encode(payload)
  const common = { id, idDerived: false, type: job.type, attempt, key, headers, enqueuedAt: undefined }
  const limits = { maxBodyBytes: 16 * 1024 * 1024, maxDepth: 64 }
  const decoded = await decode({ ...common, body, redelivered: false }, job, limits)
  const seen: Job<any> = { ...common, payload: decoded }
  const context = { signal, log, resources: options.resources as R }
  await inlineJob(job, inThreadOf(job.type)).handler(seen, context)
}

/** Runs a module once, in a thread that lives for that. */
function inThreadOf(type: string): (handler: URL) => JobHandler<any, any> {
  return (handler) => async (job, context) => {
    const { Threads } = await import('./threads/pool.ts')
    const threads = new Threads({ threads: 1, heapMb: undefined, graceMs: GRACE_MS, log: context.log, observe() {} })
    try {
      await threads.check([{ type, handler }])
      await threads.handlerOf(handler)(job, context)
    } finally {
      await threads.close()
    }
  }
}
