import { EventEmitter } from 'node:events'
import { openBroker } from './brokers/index.ts'
import { readContainerLimits } from './cgroup.ts'
import { resolveSettings, type WorkerSettings } from './config.ts'
import type { Broker, Logger, Observer, Source, WorkerEvent, WorkerState } from './contracts.ts'
import { settledWithin } from './deadline.ts'
import type { WorkerDefinition } from './define.ts'
import { ShutdownError, toError } from './errors.ts'
import { GuardWatch } from './guard-watch.ts'
import { Lifecycle } from './lifecycle.ts'
import { OneJob } from './one-job.ts'
import { Pool } from './pool.ts'
import { policyOf, poolJobs, threadJobs } from './pool-jobs.ts'
import { Reporter, type WorkerEvents } from './reporter.ts'
import { cautionsOf } from './settings-rules.ts'
import type { Threads } from './threads/pool.ts'

/** What a worker needs besides its definition. */
export interface WorkerOptions {
  /** A URL as of the setting `brokerUrl`, or a broker that was opened before. */
  readonly broker: string | Broker
  /** Settings that go before those of the definition; each is described in `config.ts`. */
  readonly settings?: Partial<WorkerSettings>
  /** Sees every job and every event; for metrics. */
  readonly observer?: Observer
  /** Default: no log. */
  readonly log?: Logger
  /** Takes one job, or none when none comes for so long, in ms; then drains by itself. `concurrency` is 1 and `readAhead` 0. */
  readonly oneJobWithinMs?: number
}

/** How a worker came to its end. */
export interface DrainReport {
  /** Jobs given back unfinished at the deadline. */
  readonly abandoned: number
  /** From the begin of the drain, in ms. */
  readonly elapsedMs: number
  /** A thread of a handler does not end, because it is in native code: `process.exit` would wait for it. */
  readonly hasEndlessThread: boolean
  /** Why it failed, where it did. */
  readonly error?: Error
}

/** A worker that can be started once and drained once. It installs no signal handlers and never ends the process. */
export interface Worker {
  readonly state: WorkerState
  /** True while connected to the broker and consuming. */
  readonly connected: boolean
  /** Jobs in a slot. */
  readonly inFlight: number
  /** How many jobs may run at once now: the concurrency, or what the guard has made of it. */
  readonly limit: number
  /** Handlers that ignored their abort and still run. */
  readonly stuck: number
  /** By type, for how long the oldest of its running handlers has run, in ms. */
  readonly oldest: ReadonlyMap<string, number>
  readonly settings: WorkerSettings
  /** Runs `setup()`, then begins to consume. Resolves when running; rejects when `setup()` did. A broker that is down is no error: it is tried for ever. */
  start(): Promise<void>
  /** Stops pulling, waits for running jobs up to `drainTimeoutMs`, aborts those that are left, settles, disconnects, tears down. Idempotent; never rejects. */
  drain(): Promise<DrainReport>
  /** Aborts running jobs at once, draining if it was not. */
  abort(): void
  /** Resolves when the worker has stopped, for whatever reason. Never rejects. */
  readonly finished: Promise<DrainReport>
  on<Name extends keyof WorkerEvents>(event: Name, listener: (...args: WorkerEvents[Name]) => void): Worker
  off<Name extends keyof WorkerEvents>(event: Name, listener: (...args: WorkerEvents[Name]) => void): Worker
}

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * Makes a worker out of a definition: the same that `tidemill work` runs, embedded in your own process.
 * @throws ConfigError naming every faulty setting
 */
export function createWorker(definition: WorkerDefinition, options: WorkerOptions): Worker {
  return new PoolWorker(definition, options)
}

class PoolWorker implements Worker {
  readonly settings: WorkerSettings
  readonly finished: Promise<DrainReport>
  readonly #definition: WorkerDefinition
  readonly #broker: string | Broker
  readonly #oneJobWithinMs: number | undefined
  readonly #log: Logger
  readonly #emitter = new EventEmitter<WorkerEvents>()
  readonly #reporter: Reporter
  readonly #lifecycle: Lifecycle
  readonly #hardStop = Promise.withResolvers<void>()
  #finish!: (report: DrainReport) => void
  #started: Promise<void> | undefined
  #draining: Promise<DrainReport> | undefined
  #resources: unknown
  #isSetUp = false
  #source: Source | undefined
  #threads: Threads | undefined
  #guard: GuardWatch | undefined
  #pool: Pool | undefined
  #pooling: Promise<void> = Promise.resolve()
  #error: Error | undefined

  constructor(definition: WorkerDefinition, options: WorkerOptions) {
    const overrides = { ...options.settings }
    if (typeof options.broker === 'string') Object.assign(overrides, { brokerUrl: options.broker })
    this.#oneJobWithinMs = options.oneJobWithinMs
    if (this.#oneJobWithinMs !== undefined) Object.assign(overrides, { concurrency: 1, readAhead: 0 })
    this.settings = resolveSettings(definition, overrides)
    this.#definition = definition
    this.#broker = options.broker
    this.#log = options.log ?? SILENT
    this.#reporter = new Reporter(definition, options.observer, this.#log, this.#emitter)
    this.#lifecycle = new Lifecycle((from, to) => this.#tell({ name: 'state', from, to }))
    this.finished = new Promise((resolve) => {
      this.#finish = resolve
    })
  }

  get state(): WorkerState {
    return this.#lifecycle.state
  }
  get connected(): boolean {
    return this.#source?.ready ?? false
  }
  get inFlight(): number {
    return this.#pool?.inFlight ?? 0
  }
  get limit(): number {
    return this.#pool?.limit ?? this.settings.concurrency
  }
  get stuck(): number {
    return this.#pool?.stuck ?? 0
  }
  get oldest(): ReadonlyMap<string, number> {
    return this.#pool?.oldest ?? new Map()
  }

  start(): Promise<void> {
    this.#started ??= this.#start()
    return this.#started
  }

  drain(): Promise<DrainReport> {
    this.#draining ??= this.#drain()
    return this.#draining
  }

  abort(): void {
    this.#hardStop.resolve()
    void this.drain()
  }

  on<Name extends keyof WorkerEvents>(event: Name, listener: (...args: WorkerEvents[Name]) => void): Worker {
    this.#emitter.on(event, listener as never)
    return this
  }

  off<Name extends keyof WorkerEvents>(event: Name, listener: (...args: WorkerEvents[Name]) => void): Worker {
    this.#emitter.off(event, listener as never)
    return this
  }

  async #start(): Promise<void> {
    for (const caution of cautionsOf(this.settings)) this.#log.warn({}, caution)
    try {
      this.#resources = await this.#definition.setup?.()
      this.#isSetUp = true
      if (this.#draining !== undefined) return
      const opening = typeof this.#broker === 'string' ? openBroker(this.settings, this.#tell) : this.#broker
      const [broker] = await Promise.all([opening, this.#openThreads()])
      if (this.#draining !== undefined) return
      const source = broker.source()
      const within = this.#oneJobWithinMs
      this.#consume(within === undefined ? source : new OneJob(source, within))
      this.#lifecycle.to('running')
    } catch (error) {
      this.#fail(toError(error))
      throw error
    }
  }

  /** Threads exist, and Piscina is loaded, only where a handler needs them. */
  async #openThreads(): Promise<void> {
    const jobs = threadJobs(this.#definition)
    if (jobs.length === 0) return
    const { Threads } = await import('./threads/pool.ts')
    const { threads, threadHeapMb, abortGraceMs } = this.settings
    // The rest of the grace is for the settlement.
    const graceMs = abortGraceMs / 2
    this.#threads = new Threads({ threads, heapMb: threadHeapMb, graceMs, log: this.#log, observe: this.#tell })
    await this.#threads.check(jobs).catch((error) => {
      // A drain has ended the threads meanwhile.
      if (this.#draining === undefined) throw error
    })
  }

  #consume(source: Source): void {
    this.#source = source
    this.#pool = new Pool({
      ...this.settings,
      jobs: poolJobs(this.#definition, this.settings, this.#threads),
      policy: policyOf(this.settings),
      ladderMs: this.settings.retryLadderMs,
      limits: this.settings,
      resources: this.#resources,
      observer: this.#reporter,
      log: this.#log,
      random: Math.random,
      wallClock: Date.now,
      now: () => performance.now(),
    })
    if (this.settings.guard === 'on') this.#guard = this.#openGuard(this.#pool)
    this.#pooling = this.#pool.run(source.deliveries()).then(
      // Deliveries end in a drain, or because there was to be one only.
      () => void this.drain(),
      (error) => this.#fail(toError(error)),
    )
  }

  #openGuard(pool: Pool): GuardWatch {
    return new GuardWatch({
      concurrency: this.settings.concurrency,
      memoryBytes: readContainerLimits().memoryBytes,
      inFlight: () => pool.inFlight,
      changed: (change, { loopDelayMs, memory, heap }) => {
        pool.limit = change.to
        this.#tell({ name: 'limit', ...change, loopDelayMs, memory, heap })
      },
    })
  }

  #fail(error: Error): void {
    if (this.#error !== undefined) return
    this.#error = error
    this.#log.error({ err: error }, 'the worker failed')
    if (this.state !== 'draining') this.#lifecycle.to('failed')
    void this.drain()
  }

  async #drain(): Promise<DrainReport> {
    const begunAt = performance.now()
    const tell = (phase: 'begun' | 'aborting' | 'finished') =>
      this.#tell({
        name: 'drain',
        phase,
        inFlight: this.inFlight,
        abandoned: this.#pool?.abandoned ?? 0,
        elapsedMs: performance.now() - begunAt,
      })
    if (this.state !== 'failed') this.#lifecycle.to('draining')
    tell('begun')
    const { drainTimeoutMs, abortGraceMs } = this.settings
    this.#guard?.stop()
    const stopped = this.#source?.stop()
    this.#pool?.stop()
    if (!(await settledWithin(this.#pooling, drainTimeoutMs, this.#hardStop.promise))) {
      tell('aborting')
      this.#pool?.abort(new ShutdownError())
      await settledWithin(this.#pooling, abortGraceMs + ABORT_SETTLE_MS)
    }
    await stopped
    await this.#source?.close()
    await settledWithin(this.#pooling, ABORT_SETTLE_MS)
    await this.#tearDown()
    const hasEndlessThread = !(await settledWithin(this.#threads?.close() ?? Promise.resolve(), THREADS_END_MS))
    tell('finished')
    this.#lifecycle.to('stopped')
    const report: DrainReport = {
      abandoned: (this.#pool?.abandoned ?? 0) + this.inFlight,
      elapsedMs: performance.now() - begunAt,
      hasEndlessThread,
      ...(this.#error && { error: this.#error }),
    }
    this.#finish(report)
    return report
  }

  async #tearDown(): Promise<void> {
    await settledWithin(this.#started?.catch(() => {}) ?? Promise.resolve(), this.settings.abortGraceMs)
    if (!this.#isSetUp || this.#definition.teardown === undefined) return
    try {
      const torn = Promise.resolve(this.#definition.teardown(this.#resources))
      if (await settledWithin(torn, this.settings.closeTimeoutMs)) await torn
      else this.#log.warn({ closeTimeoutMs: this.settings.closeTimeoutMs }, 'teardown() took too long')
    } catch (error) {
      this.#log.error({ err: error }, 'teardown() failed')
    }
  }

  #tell = (event: WorkerEvent): void => {
    this.#reporter.event(event)
  }
}

/** How long threads may take to end, in ms. One that runs JavaScript takes a few. */
const THREADS_END_MS = 1_000
/** How long settlements may take after running jobs were aborted, in ms; then the source is closed all the same. */
const ABORT_SETTLE_MS = 500
