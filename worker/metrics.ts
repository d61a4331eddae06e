import {
  DEAD_REASONS,
  type Message,
  type Observer,
  type Outcome,
  RETRY_REASONS,
  type WorkerEvent,
} from './contracts.ts'
import { Buckets, registerHistogram } from './metrics-histogram.ts'
import { RareMetrics } from './metrics-rare.ts'
import { collectProcessMetrics, counter, createRegistry, gauge, type Registry } from './metrics-registry.ts'
import { METRICS, type Metric } from './metrics-table.ts'
import { VERSION } from './version.ts'

export interface MetricsOptions {
  /** The label `queue` of every series. Default: none has it. */
  readonly queue?: string
  /** The worker's own types: the only values that the label `type` takes, besides `unknown`. */
  readonly types: readonly string[]
  /** How many jobs may run at once. */
  readonly limit: number
  /** How long a drain waits for running jobs, in ms. Default 0. */
  readonly drainTimeoutMs?: number
  /** Adds prom-client's figures of the process and of Node. Once in a process: they cannot be taken down again. Default false. */
  readonly processMetrics?: boolean
  /** For the label `node` of the build info. */
  readonly nodeVersion?: string
  /** ms since the process began. Default: `performance.now`. */
  readonly now?: () => number
}

/** The metrics of one worker, in a registry of their own. */
export interface Metrics extends Observer {
  readonly contentType: string
  /** The exposition in Prometheus' text format. */
  text(): Promise<string>
  /** How late the event loop came to a timer, in ms. */
  loopDelay(delayMs: number): void
  unhandledRejection(): void
  /** Tells where to ask, at each scrape, for how long the oldest running handler of each type has run, in ms. */
  watchOldest(read: () => ReadonlyMap<string, number>): void
}

const UNKNOWN = 'unknown'
const OUTCOMES = ['ack', 'retry', 'dead', 'release', 'lease-lost'] as const

type Tally<Key extends string> = Record<Key, number>

function zeros<Key extends string>(keys: readonly Key[]): Tally<Key> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Tally<Key>
}

/** What is counted of one type. Plain numbers: prom-client is told at each scrape, not at each job. */
class TypeFigures {
  started = 0
  inFlight = 0
  deferred = 0
  readonly settled = zeros(OUTCOMES)
  readonly retried = zeros(RETRY_REASONS)
  readonly dead = zeros(DEAD_REASONS)
  readonly duration = new Buckets(METRICS.duration.buckets)
  readonly wait = new Buckets(METRICS.wait.buckets)
}

/** Makes the metrics of one worker. Every series exists from the start, so that their number never changes. */
export function createMetrics(options: MetricsOptions): Metrics {
  return new PromMetrics(options)
}

class PromMetrics implements Metrics {
  readonly #registry: Registry
  readonly #types = new Map<string, TypeFigures>()
  readonly #unknown = new TypeFigures()
  readonly #attempts = new Buckets(METRICS.attempts.buckets)
  readonly #loopDelay = new Buckets(METRICS.loopDelay.buckets)
  readonly #rare: RareMetrics
  #redelivered = 0
  #derived = 0
  #oldest: () => ReadonlyMap<string, number> = () => new Map()

  constructor(options: MetricsOptions) {
    const { types, limit, queue, drainTimeoutMs = 0, processMetrics = false, nodeVersion = '' } = options
    const { now = () => performance.now() } = options
    this.#registry = createRegistry(queue === undefined ? {} : { queue })
    for (const type of types) this.#types.set(type, new TypeFigures())
    if (!this.#types.has(UNKNOWN)) this.#types.set(UNKNOWN, this.#unknown)
    this.#rare = new RareMetrics(this.#registry, types, limit, now)
    this.#exportTypes()
    registerHistogram(this.#registry, METRICS.attempts, [{ labels: {}, buckets: this.#attempts }])
    registerHistogram(this.#registry, METRICS.loopDelay, [{ labels: {}, buckets: this.#loopDelay }])
    this.#exportCount(METRICS.redelivered, () => this.#redelivered)
    this.#exportCount(METRICS.derived, () => this.#derived)
    gauge(METRICS.drainLimit, this.#registry).set(drainTimeoutMs / 1_000)
    gauge(METRICS.build, this.#registry).set({ version: VERSION, node: nodeVersion }, 1)
    if (processMetrics) collectProcessMetrics(this.#registry)
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  text(): Promise<string> {
    return this.#registry.metrics()
  }

  started(message: Message, type: string, waitMs: number | undefined): void {
    const figures = this.#of(type)
    figures.started++
    figures.inFlight++
    if (message.redelivered) this.#redelivered++
    if (message.idDerived) this.#derived++
    if (waitMs !== undefined) figures.wait.observe(waitMs / 1_000)
  }

  settled(message: Message, type: string, outcome: Outcome, runMs: number, written: boolean): void {
    const figures = this.#of(type)
    figures.inFlight--
    figures.duration.observe(runMs / 1_000)
    if (!written) {
      figures.settled['lease-lost']++
      return
    }
    figures.settled[outcome.kind]++
    if (outcome.kind === 'retry') figures.retried[outcome.reason]++
    if (outcome.kind === 'dead') figures.dead[outcome.reason]++
    if (outcome.kind === 'ack' || outcome.kind === 'dead') this.#attempts.observe(message.attempt)
  }

  event(event: WorkerEvent): void {
    if (event.name === 'dead') this.#of(event.message.type).dead[event.reason]++
    else if (event.name === 'deferred') this.#of(event.type).deferred++
    else this.#rare.event(event)
  }

  loopDelay(delayMs: number): void {
    this.#loopDelay.observe(delayMs / 1_000)
  }

  unhandledRejection(): void {
    this.#rare.rejections.inc()
  }

  watchOldest(read: () => ReadonlyMap<string, number>): void {
    this.#oldest = read
  }

  #of(type: string): TypeFigures {
    return this.#types.get(type) ?? this.#unknown
  }

  #exportTypes(): void {
    const types = [...this.#types]
    for (const name of ['started', 'deferred'] as const) {
      counter(METRICS[name], this.#registry, (out) => {
        for (const [type, figures] of types) out.inc({ type }, figures[name])
      })
    }
    this.#exportTallies(METRICS.settled, 'outcome', () => types.map(([type, { settled }]) => [type, settled]))
    this.#exportTallies(METRICS.retried, 'reason', () => types.map(([type, { retried }]) => [type, retried]))
    this.#exportTallies(METRICS.dead, 'reason', () => types.map(([type, { dead }]) => [type, dead]))
    gauge(METRICS.inFlight, this.#registry, (metric) => {
      for (const [type, { inFlight }] of types) metric.set({ type }, inFlight)
    })
    gauge(METRICS.oldest, this.#registry, (metric) => {
      const oldest = this.#oldest()
      for (const [type] of types) metric.set({ type }, (oldest.get(type) ?? 0) / 1_000)
    })
    for (const name of ['duration', 'wait'] as const) {
      const children = types.map(([type, figures]) => ({ labels: { type }, buckets: figures[name] }))
      registerHistogram(this.#registry, METRICS[name], children)
    }
  }

  #exportTallies(metric: Metric, label: string, read: () => [string, Tally<string>][]): void {
    counter(metric, this.#registry, (out) => {
      for (const [type, tally] of read()) {
        for (const [key, count] of Object.entries(tally)) out.inc({ type, [label]: key }, count)
      }
    })
  }

  #exportCount(metric: Metric, read: () => number): void {
    counter(metric, this.#registry, (out) => out.inc(read()))
  }
}
