import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { DeadReason, Logger, RetryReason } from './contracts.ts'
import { TidemillError } from './errors.ts'

/** A job as its handler sees it. */
export interface Job<P> {
  /** The idempotency key: stable over retries and redeliveries. */
  readonly id: string
  /** True when the producer sent no id, so that `id` is a hash of type and body: equal jobs then share it. */
  readonly idDerived: boolean
  readonly type: string
  /** The decoded body, as the schema returned it. */
  readonly payload: P
  /** Which try this is, from 1. */
  readonly attempt: number
  readonly key: string | undefined
  readonly headers: Readonly<Record<string, string>>
  /** When the producer enqueued it, in ms since the epoch, where it said so. */
  readonly enqueuedAt: number | undefined
}

/** What a handler is given besides the job. */
export interface Context<R = unknown> {
  /** Aborts on timeout, lost lease and hard stop; `signal.reason` says which. */
  readonly signal: AbortSignal
  readonly log: Logger
  /** What the worker's `setup()` returned. */
  readonly resources: R
}

/** How often and how far apart a job is tried. Every field has a default from the worker's configuration. */
export interface RetryPolicy {
  /** Tries in all, the first included: 1 or more. Default 5. */
  readonly attempts?: number
  /** The mean delay before the second try, in ms. Default 1,000. */
  readonly minDelayMs?: number
  /** No mean delay is longer, in ms. Default 3,600,000. */
  readonly maxDelayMs?: number
  /** Each mean delay is this many times the one before: 1 or more. Default 4. */
  readonly factor?: number
}

/** Bytes to value and back, for bodies that are not JSON. */
export interface Codec {
  readonly contentType: string
  /** A value as bytes; may throw. */
  encode(value: unknown): Uint8Array
  /** Bytes as a value; may throw, which dead-letters the job as `invalid-payload`. */
  decode(body: Uint8Array): unknown
}

interface HandlerMethod<P, R> {
  handle(job: Job<P>, context: Context<R>): Promise<void> | void
}

/** Runs a job. Resolves: it is acknowledged. Throws: it is retried, or dead-lettered on `PermanentError`. A method's type, so that jobs of different payloads fit one list. */
export type JobHandler<P, R = unknown> = HandlerMethod<P, R>['handle']

/** What a user writes of one type of job. Handlers' return values are not stored. */
export interface JobDefinition<P, R = unknown, I = P> {
  /** The type on the wire, 1 to 255 characters of printable ASCII without spaces. */
  readonly type: string
  /** Any Standard Schema (zod, valibot, ArkType...). Without one the payload is `unknown`. */
  readonly schema?: StandardSchemaV1<I, P>
  /** Default: JSON. */
  readonly codec?: Codec
  readonly retry?: RetryPolicy
  /** The handler's time, in ms; then its signal aborts and the job is retried. Default: the worker's `jobTimeoutMs`. */
  readonly timeoutMs?: number
  /**
   * At most so many of this type at once in one worker. Default: the worker's concurrency; of handlers in threads, beside others,
   * all types together have as many as there are `threads`.
   */
  readonly maxConcurrent?: number
  /**
   * Runs the job; or the `file:` URL of a module that does, in a thread of its own, for work that would block the event loop:
   * its default export, or `handler` (see `defineThreadHandler`).
   */
  readonly handler: JobHandler<P, R> | URL
  /** Put around every run of the handler, in the worker's thread: the load test keeps its ledger there. */
  '~around'?(id: string, run: () => Promise<void> | void): Promise<void>
  /** Makes `defineWorker` check that `setup()` gives what the handler needs. Never called, never set. */
  readonly '~needs'?: (resources: R) => void
}

/** A job whose handler is a function. */
export interface InlineJob<P, R = unknown, I = P> extends JobDefinition<P, R, I> {
  readonly handler: JobHandler<P, R>
}

/** A job whose handler is a module that runs in threads. */
export interface ThreadJob<P, I = P> extends JobDefinition<P, unknown, I> {
  readonly handler: URL
}

/** What hooks are told about a job that failed. */
export interface FailureReport<Reason extends string> {
  readonly id: string
  readonly type: string
  readonly attempt: number
  readonly reason: Reason
  /** The error's message, bounded, where there is one. */
  readonly error: string | undefined
}

/** What a user writes of one worker: one queue and the job types on it. */
export interface WorkerDefinition<R = any> {
  /** The queue (or topic), 1 to 200 characters of letters, digits, `.`, `_`, `-`. */
  readonly queue: string
  readonly jobs: readonly JobDefinition<any, R, any>[]
  /** Jobs at once in one worker. Default 10; in a container with a CPU limit 10 a CPU, from 2 to 100. */
  readonly concurrency?: number
  /** Threads for handlers that are modules. Default: one for each CPU that the container may use, rounded up. */
  readonly threads?: number
  /** Jobs fetched beyond those that run. Default 0. */
  readonly readAhead?: number
  /** The type of messages that name none. Default: none. */
  readonly defaultType?: string
  /** What to do with a message without an id: `derive` one from type and body (default), or `dead-letter` it. */
  readonly missingId?: 'derive' | 'dead-letter'
  /** The delays that a retry can have, in ms, ascending: one wait queue each. Default 1 s, 5 s, 30 s, 2 min, 10 min, 1 h. */
  readonly retryLadderMs?: readonly number[]
  /** How long a drain waits for running jobs, in ms. Default 25,000. */
  readonly drainTimeoutMs?: number
  /** Warms up (pools, caches, models) before the worker is ready; its value is every handler's `resources`. A throw stops the worker. */
  setup?(): Promise<R> | R
  /** Cleans up after the drain. */
  teardown?(resources: R): Promise<void> | void
  /** Told after a job was dead-lettered. A throw is logged, nothing else. */
  onDead?(report: FailureReport<DeadReason>): void
  /** Told after a job was put off; `delayMs` is the rung that it got. A throw is logged, nothing else. */
  onRetry?(report: FailureReport<RetryReason> & { readonly delayMs: number }): void
}

type AnyJob = JobDefinition<any, any, any>

/**
 * Defines one type of job; the payload's type follows from `schema`. Annotate the handler's second parameter,
 * `{ resources }: Context<MyResources>`, for typed resources.
 * @throws TidemillError `DEFINITION` naming every fault, what was expected and what came
 */
export function defineJob<P, R = unknown, I = P>(
  definition: InlineJob<P, R, I> & { readonly schema: StandardSchemaV1<I, P> },
): InlineJob<P, R, I>
export function defineJob<P, I = P>(
  definition: ThreadJob<P, I> & { readonly schema: StandardSchemaV1<I, P> },
): ThreadJob<P, I>
export function defineJob<R = unknown>(definition: InlineJob<unknown, R>): InlineJob<unknown, R>
export function defineJob(definition: ThreadJob<unknown>): ThreadJob<unknown>
export function defineJob(definition: AnyJob): AnyJob {
  const faults = jobFaults(definition)
  if (faults.length > 0) throw new TidemillError('DEFINITION', sentence('this job', faults))
  return Object.freeze({ ...definition })
}

/**
 * Defines one worker. Its `setup()` must return what every handler needs, or TypeScript says so.
 * @throws TidemillError `DEFINITION` naming every fault, what was expected and what came
 */
export function defineWorker<R = undefined>(
  definition: Omit<WorkerDefinition<R>, 'jobs'> & { readonly jobs: readonly JobDefinition<any, NoInfer<R>, any>[] },
): WorkerDefinition<R> {
  const faults = workerFaults(definition)
  if (faults.length > 0) throw new TidemillError('DEFINITION', sentence('this worker', faults))
  return Object.freeze(Object.defineProperty({ ...definition }, WORKER_MARK, { value: true }))
}

const WORKER_MARK = Symbol.for('tidemill.worker')

/** True for what `defineWorker` returned, also by another copy of this package. */
export function isWorkerDefinition(value: unknown): value is WorkerDefinition {
  return typeof value === 'object' && value !== null && WORKER_MARK in value
}

const TYPE_FORM = /^[\x21-\x7e]{1,255}$/
const QUEUE_FORM = /^[A-Za-z0-9._-]{1,200}$/

function jobFaults(job: AnyJob): string[] {
  if (typeof job !== 'object' || job === null) return [`expected an object, got ${show(job)}`]
  const faults: string[] = []
  const check = (good: boolean, field: string, expected: string, got: unknown) => {
    if (!good) faults.push(`${field}: expected ${expected}, got ${show(got)}`)
  }
  check(typeof job.type === 'string' && TYPE_FORM.test(job.type), 'type', '1 to 255 printable characters', job.type)
  const handler: unknown = job.handler
  const isModule = handler instanceof URL && handler.protocol === 'file:'
  check(typeof handler === 'function' || isModule, 'handler', 'a function or the file: URL of a module', handler)
  const { schema, codec, timeoutMs, maxConcurrent, retry } = job
  if (schema !== undefined) {
    check(typeof schema?.['~standard']?.validate === 'function', 'schema', 'a Standard Schema', schema)
  }
  if (codec !== undefined) {
    const fits = typeof codec?.encode === 'function' && typeof codec.decode === 'function'
    check(fits && typeof codec.contentType === 'string', 'codec', '{ contentType, encode, decode }', codec)
  }
  if (timeoutMs !== undefined) check(within(timeoutMs, 1, 2 ** 31 - 1), 'timeoutMs', '1 to 2,147,483,647 ms', timeoutMs)
  if (maxConcurrent !== undefined) {
    check(whole(maxConcurrent, 1), 'maxConcurrent', 'a whole number of 1 or more', maxConcurrent)
  }
  if (retry?.attempts !== undefined) {
    check(whole(retry.attempts, 1), 'retry.attempts', 'a whole number of 1 or more', retry.attempts)
  }
  for (const field of ['minDelayMs', 'maxDelayMs'] as const) {
    const value = retry?.[field]
    if (value !== undefined) check(within(value, 0, Number.MAX_SAFE_INTEGER), `retry.${field}`, '0 ms or more', value)
  }
  if (retry?.factor !== undefined) check(within(retry.factor, 1, 1000), 'retry.factor', '1 to 1,000', retry.factor)
  return faults
}

function workerFaults(worker: WorkerDefinition): string[] {
  if (typeof worker !== 'object' || worker === null) return [`expected an object, got ${show(worker)}`]
  const faults: string[] = []
  if (typeof worker.queue !== 'string' || !QUEUE_FORM.test(worker.queue)) {
    faults.push(`queue: expected 1 to 200 letters, digits, '.', '_' or '-', got ${show(worker.queue)}`)
  }
  if (!Array.isArray(worker.jobs) || worker.jobs.length === 0) {
    faults.push(`jobs: expected a list of at least one job, got ${show(worker.jobs)}`)
    return faults
  }
  const types = new Set<string>()
  for (const [index, job] of worker.jobs.entries()) {
    faults.push(...jobFaults(job).map((fault) => `jobs[${index}].${fault}`))
    if (types.has(job?.type)) faults.push(`jobs[${index}].type: expected each type once, got ${show(job.type)} again`)
    types.add(job?.type)
  }
  for (const hook of ['setup', 'teardown', 'onDead', 'onRetry'] as const) {
    const value = worker[hook]
    if (value !== undefined && typeof value !== 'function')
      faults.push(`${hook}: expected a function, got ${show(value)}`)
  }
  return faults
}

const within = (value: unknown, min: number, max: number): boolean =>
  typeof value === 'number' && value >= min && value <= max
const whole = (value: unknown, min: number): boolean => Number.isSafeInteger(value) && (value as number) >= min

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
  if (typeof value === 'function') return 'a function'
  if (value instanceof URL) return `a ${value.protocol} URL`
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

function sentence(what: string, faults: readonly string[]): string {
  return `${what} can't be used:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`
}
