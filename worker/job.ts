import type { Logger, Message } from './contracts.ts'
import type { Context, Job } from './define.ts'

/** The job that a handler sees: a view of the message, so that what no handler reads is never computed. */
export class JobView<P> implements Job<P> {
  readonly #message: Message
  readonly payload: P

  constructor(message: Message, payload: P) {
    this.#message = message
    this.payload = payload
  }

  get id(): string {
    return this.#message.id
  }
  get idDerived(): boolean {
    return this.#message.idDerived
  }
  get type(): string {
    return this.#message.type
  }
  get attempt(): number {
    return this.#message.attempt
  }
  get key(): string | undefined {
    return this.#message.key
  }
  get headers(): Readonly<Record<string, string>> {
    return this.#message.headers
  }
  get enqueuedAt(): number | undefined {
    return this.#message.enqueuedAt
  }
}

/** What runs it, whose signal is made when first asked for. */
interface Run {
  readonly signal: AbortSignal
}

/** The context that a handler sees; its signal and its logger are made when first asked for. */
export class JobContext<R> implements Context<R> {
  readonly #run: Run
  readonly #message: Message
  readonly #log: Logger
  readonly resources: R

  constructor(run: Run, message: Message, log: Logger, resources: R) {
    this.#run = run
    this.#message = message
    this.#log = log
    this.resources = resources
  }

  get signal(): AbortSignal {
    return this.#run.signal
  }

  get log(): Logger {
    const { id, type, attempt } = this.#message
    return withFields(this.#log, { jobId: id, type, attempt })
  }
}

function withFields(log: Logger, fields: object): Logger {
  return {
    debug: (more, message) => log.debug({ ...fields, ...more }, message),
    info: (more, message) => log.info({ ...fields, ...more }, message),
    warn: (more, message) => log.warn({ ...fields, ...more }, message),
    error: (more, message) => log.error({ ...fields, ...more }, message),
  }
}
