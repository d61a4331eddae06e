// The one file that imports prom-client at run time, by the paths of its parts: its index loads node:http, node:cluster and all of
// OpenTelemetry's API for parts that are not used here, which costs 18 ms of every start and 11 MB.
import { cpuUsage } from 'node:process'
import type { Counter, Gauge, Registry } from 'prom-client'
import PromCounter from 'prom-client/lib/counter.js'
import PromGauge from 'prom-client/lib/gauge.js'
import gc from 'prom-client/lib/metrics/gc.js'
import heapSizeAndUsed from 'prom-client/lib/metrics/heapSizeAndUsed.js'
import heapSpacesSizeAndUsed from 'prom-client/lib/metrics/heapSpacesSizeAndUsed.js'
import osMemoryHeap from 'prom-client/lib/metrics/osMemoryHeap.js'
import processMaxFileDescriptors from 'prom-client/lib/metrics/processMaxFileDescriptors.js'
import processOpenFileDescriptors from 'prom-client/lib/metrics/processOpenFileDescriptors.js'
import processResources from 'prom-client/lib/metrics/processResources.js'
import processStartTime from 'prom-client/lib/metrics/processStartTime.js'
import version from 'prom-client/lib/metrics/version.js'
import PromRegistry from 'prom-client/lib/registry.js'
import type { Metric } from './metrics-table.ts'

export type { Counter, Gauge, Registry } from 'prom-client'

/** An empty registry, apart from the global one. @param labels of every series that it will have */
export function createRegistry(labels: Readonly<Record<string, string>> = {}): Registry {
  const registry = new PromRegistry()
  registry.setDefaultLabels(labels)
  return registry
}

/** Registers a counter. `collect` brings it up to date before each scrape, from 0. */
export function counter(metric: Described, registry: Registry, collect?: (out: Counter) => void): Counter {
  return new PromCounter({
    ...configOf(metric, registry),
    ...(collect && {
      collect() {
        this.reset()
        collect(this)
      },
    }),
  })
}

/** Registers a gauge. `collect` brings it up to date before each scrape. */
export function gauge(metric: Described, registry: Registry, collect?: (out: Gauge) => void): Gauge {
  return new PromGauge({
    ...configOf(metric, registry),
    ...(collect && {
      collect() {
        collect(this)
      },
    }),
  })
}

type Described = Pick<Metric, 'sentence' | 'labels'> & { readonly name: string }

function configOf({ name, sentence, labels }: Described, registry: Registry) {
  return { name, help: sentence, labelNames: [...labels], registers: [registry] }
}

/**
 * prom-client's figures of the process and of Node (`process_*`, `nodejs_*`), without its event-loop statistics: they cost
 * 3.5 ms of CPU a second by a timer of 10 ms, and count that timer's own interval as delay.
 */
export function collectProcessMetrics(registry: Registry): void {
  const seconds = (name: string, sentence: string, read: () => number) => {
    counter({ name, sentence, labels: [] }, registry, (out) => out.inc(read() / 1e6))
  }
  seconds('process_cpu_user_seconds_total', 'User CPU time in seconds.', () => cpuUsage().user)
  seconds('process_cpu_system_seconds_total', 'System CPU time in seconds.', () => cpuUsage().system)
  seconds('process_cpu_seconds_total', 'User and system CPU time in seconds.', () => {
    const { user, system } = cpuUsage()
    return user + system
  })
  const parts = [
    processStartTime,
    osMemoryHeap,
    processOpenFileDescriptors,
    processMaxFileDescriptors,
    processResources,
    heapSizeAndUsed,
    heapSpacesSizeAndUsed,
    version,
    gc,
  ]
  for (const part of parts) part(registry, {})
}
