import type { Logger } from './contracts.ts'
import { decode } from './decode.ts'
import type { Job, JobDefinition } from './define.ts'

export interface RunJobOptions<R> {
  /** What `setup()` would return. */
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

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * Runs a handler once with no broker, for tests: the payload goes through encoding, decoding and the schema as it would
 * on the wire. Rejects with whatever the handler threw, or `INVALID_PAYLOAD`.
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
  await job.handler(seen, { signal, log, resources: options.resources as R })
}
