import { Counter, collectDefaultMetrics, Gauge, type Registry } from 'prom-client'
import type { Metric } from './metrics-table.ts'

/** Registers a counter of the table. `collect` brings it up to date before each scrape. */
export function counter(
  { name, sentence, labels }: Metric,
  registry: Registry,
  collect?: (out: Counter) => void,
): Counter {
  return new Counter({
    name,
    help: sentence,
    labelNames: [...labels],
    registers: [registry],
    ...(collect && {
      collect() {
        this.reset()
        collect(this)
      },
    }),
  })
}

/** Registers a gauge of the table. `collect` brings it up to date before each scrape. */
export function gauge({ name, sentence, labels }: Metric, registry: Registry, collect?: (out: Gauge) => void): Gauge {
  return new Gauge({
    name,
    help: sentence,
    labelNames: [...labels],
    registers: [registry],
    ...(collect && {
      collect() {
        collect(this)
      },
    }),
  })
}

const HOUR = 3_600_000
const LAG_STATISTICS = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99']

/**
 * prom-client's figures of the process and of Node, without its statistics of the event loop's delay: they cost 3.5 ms of CPU
 * a second by a timer of 10 ms, count that timer's own interval as delay, and `tidemill_event_loop_delay_seconds` is there.
 */
export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: HOUR })
  for (const statistic of LAG_STATISTICS) registry.removeSingleMetric(`nodejs_eventloop_lag_${statistic}_seconds`)
}
