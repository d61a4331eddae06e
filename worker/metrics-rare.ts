import { GUARD_REASONS, THREAD_ENDS, type WorkerEvent } from './contracts.ts'
import { type Counter, counter, type Gauge, gauge, type Registry } from './metrics-registry.ts'
import { METRICS, type Metric } from './metrics-table.ts'

const STATES = ['starting', 'running', 'draining', 'stopped', 'failed'] as const
const ROLES = ['consume', 'publish'] as const
const ACTIONS = ['moved', 'running', 'condemned'] as const

const COUNTERS = [
  METRICS.late,
  METRICS.consumersLost,
  METRICS.rebalances,
  METRICS.offsetsMissing,
  METRICS.offsetResets,
  METRICS.progressUnreadable,
  METRICS.topologyFaults,
  METRICS.abandoned,
]
const GAUGES = [METRICS.partitions, METRICS.blocked, METRICS.held, METRICS.stuck, METRICS.start]

/** What happens so rarely that prom-client may be told at once. Every series exists from the start. */
export class RareMetrics {
  readonly rejections: Counter
  readonly #registry: Registry
  readonly #types: readonly string[]
  readonly #counters = new Map<Metric, Counter>()
  readonly #gauges = new Map<Metric, Gauge>()
  readonly #drain: Gauge
  readonly #everConnected = new Set<string>()
  readonly #now: () => number
  #drainBegunAt: number | undefined

  /**
   * @param limit how many jobs may run at once
   * @param now ms since the process began
   */
  constructor(registry: Registry, types: readonly string[], limit: number, now: () => number) {
    this.#registry = registry
    this.#types = types
    this.#now = now
    this.rejections = this.#counter(METRICS.rejections)
    for (const metric of COUNTERS) this.#counter(metric)
    for (const metric of GAUGES) this.#gauge(metric).set(0)
    this.#drain = gauge(METRICS.drain, registry, (out) => {
      if (this.#drainBegunAt !== undefined) out.set((now() - this.#drainBegunAt) / 1_000)
    })
    for (const metric of [METRICS.limit, METRICS.concurrency]) this.#gauge(metric).set(limit)
    for (const role of ROLES) {
      this.#gauge(METRICS.connected).set({ role }, 0)
      this.#counter(METRICS.reconnects).inc({ role }, 0)
      this.#counter(METRICS.connectionFailures).inc({ role }, 0)
    }
    for (const action of ACTIONS) this.#counter(METRICS.suspects).inc({ action }, 0)
    for (const type of new Set([...types, 'unknown'])) this.#counter(METRICS.stuckTotal).inc({ type }, 0)
    for (const reason of GUARD_REASONS) if (reason !== 'recovered') this.#counter(METRICS.reductions).inc({ reason }, 0)
    for (const cause of THREAD_ENDS) this.#counter(METRICS.threadsReplaced).inc({ cause }, 0)
    this.#setState('starting')
  }

  event(event: Exclude<WorkerEvent, { name: 'dead' | 'deferred' }>): void {
    switch (event.name) {
      case 'state':
        this.#setState(event.to)
        if (event.to === 'running') this.#gauge(METRICS.start).set(this.#now() / 1_000)
        break
      case 'connection':
        this.#connection(event.role, event.status === 'connected')
        break
      case 'consumer-lost':
        this.#counter(METRICS.consumersLost).inc()
        break
      case 'assignment':
        this.#counter(METRICS.rebalances).inc()
        this.#gauge(METRICS.partitions).set(event.assigned)
        break
      case 'offsets-missing':
        this.#counter(METRICS.offsetsMissing).inc(event.partitions)
        break
      case 'offset-reset':
        this.#counter(METRICS.offsetResets).inc()
        break
      case 'progress-unreadable':
        this.#counter(METRICS.progressUnreadable).inc()
        break
      case 'topology-fault':
        this.#counter(METRICS.topologyFaults).inc()
        break
      case 'blocked':
        this.#gauge(METRICS.blocked).set(event.blocked ? 1 : 0)
        break
      case 'held':
        this.#gauge(METRICS.held).set(event.held ? event.jobs : 0)
        break
      case 'late-settlement':
        this.#counter(METRICS.late).inc()
        break
      case 'suspect':
        this.#counter(METRICS.suspects).inc({ action: event.action })
        break
      case 'stuck':
        this.#counter(METRICS.stuckTotal).inc({ type: this.#types.includes(event.type) ? event.type : 'unknown' })
        this.#gauge(METRICS.stuck).set(event.stuck)
        break
      case 'limit':
        this.#gauge(METRICS.limit).set(event.to)
        if (event.reason !== 'recovered') this.#counter(METRICS.reductions).inc({ reason: event.reason })
        break
      case 'thread-replaced':
        this.#counter(METRICS.threadsReplaced).inc({ cause: event.cause })
        break
      case 'unstuck':
        this.#gauge(METRICS.stuck).set(event.stuck)
        break
      case 'drain':
        this.#drain.set(event.elapsedMs / 1_000)
        this.#drainBegunAt = event.phase === 'finished' ? undefined : this.#now() - event.elapsedMs
        if (event.phase === 'finished') this.#counter(METRICS.abandoned).inc(event.abandoned)
    }
  }

  #setState(current: string): void {
    for (const state of STATES) this.#gauge(METRICS.state).set({ state }, state === current ? 1 : 0)
  }

  #connection(role: string, connected: boolean): void {
    this.#gauge(METRICS.connected).set({ role }, connected ? 1 : 0)
    if (!connected) this.#counter(METRICS.connectionFailures).inc({ role })
    else if (this.#everConnected.has(role)) this.#counter(METRICS.reconnects).inc({ role })
    else this.#everConnected.add(role)
  }

  #counter(metric: Metric): Counter {
    const known = this.#counters.get(metric) ?? counter(metric, this.#registry)
    this.#counters.set(metric, known)
    return known
  }

  #gauge(metric: Metric): Gauge {
    const known = this.#gauges.get(metric) ?? gauge(metric, this.#registry)
    this.#gauges.set(metric, known)
    return known
  }
}
