import type { Backlog, BacklogReading } from './contracts.ts'
import { collectProcessMetrics, counter, createRegistry, gauge } from './metrics-registry.ts'
import { QUEUE_METRICS } from './metrics-table.ts'

export interface QueueMetricsOptions {
  readonly queue: string
  readonly backlog: Backlog
  /** How old a reading may be that is served, in ms. */
  readonly cacheMs: number
  /** How long a reading may take, in ms. */
  readonly timeoutMs: number
  readonly failed: (error: unknown) => void
  /** A monotonic clock in ms. */
  readonly now: () => number
  /** Adds prom-client's figures of the process. Default false. */
  readonly processMetrics?: boolean
}

/** The backlog of one queue as metrics, read when asked for. */
export interface QueueMetrics {
  readonly contentType: string
  /** The exposition in Prometheus' text format. After a failed reading it has no figures of the queue but the count of errors. */
  text(): Promise<string>
}

/** Makes the metrics of `tidemill exporter`. Scrapes that come together, or within `cacheMs`, share one reading. */
export function createQueueMetrics(options: QueueMetricsOptions): QueueMetrics {
  const { queue, backlog, cacheMs, timeoutMs, failed, now } = options
  const registry = createRegistry()
  let reading: BacklogReading | undefined
  let readAt = Number.NEGATIVE_INFINITY
  let underWay: Promise<void> | undefined

  for (const name of ['ready', 'unacknowledged', 'suspects', 'waiting', 'dead', 'consumers'] as const) {
    gauge(QUEUE_METRICS[name], registry, (out) => {
      const value = reading?.[name]
      if (value === undefined) out.reset()
      else out.set({ queue }, value)
    })
  }
  counter(QUEUE_METRICS.published, registry, (out) => {
    if (reading?.published !== undefined) out.inc({ queue }, reading.published)
  })
  gauge(QUEUE_METRICS.partitions, registry, (out) => {
    out.reset()
    for (const { partition, ready } of reading?.partitions ?? [])
      out.set({ queue, partition: String(partition) }, ready)
  })
  gauge(QUEUE_METRICS.readAt, registry, (out) => {
    if (reading === undefined) out.reset()
    else out.set({ queue }, reading.readAt / 1_000)
  })
  const errors = counter(QUEUE_METRICS.errors, registry)
  errors.inc({ queue }, 0)
  if (options.processMetrics) collectProcessMetrics(registry)

  const read = async (): Promise<void> => {
    try {
      reading = await within(backlog.read(), timeoutMs)
      readAt = now()
    } catch (error) {
      reading = undefined
      errors.inc({ queue })
      failed(error)
    } finally {
      underWay = undefined
    }
  }

  return {
    contentType: registry.contentType,
    async text() {
      if (reading === undefined || now() - readAt >= cacheMs) {
        underWay ??= read()
        await underWay
      }
      return registry.metrics()
    },
  }
}

async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  const { promise: expired, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`the broker did not answer within ${timeoutMs} ms`)), timeoutMs)
  try {
    return await Promise.race([promise, expired])
  } finally {
    clearTimeout(timer)
  }
}
