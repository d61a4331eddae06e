import type { Metric as PromMetric, Registry } from 'prom-client'
import type { Metric } from './metrics-table.ts'

/** The counts of one histogram child. An observation is a search over at most 16 bounds and three additions. */
export class Buckets {
  readonly #bounds: readonly number[]
  readonly #counts: Float64Array
  #sum = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    const bounds = this.#bounds
    let index = 0
    while (index < bounds.length && value > bounds[index]!) index++
    this.#counts[index]!++
    this.#sum += value
  }

  /** The samples as Prometheus has them: cumulative buckets, sum, count. */
  samples(name: string, labels: Readonly<Record<string, string>>): Sample[] {
    const samples: Sample[] = []
    let count = 0
    for (const [index, bound] of [...this.#bounds, '+Inf'].entries()) {
      count += this.#counts[index]!
      samples.push({ metricName: `${name}_bucket`, labels: { ...labels, le: bound }, value: count })
    }
    samples.push({ metricName: `${name}_sum`, labels, value: this.#sum })
    samples.push({ metricName: `${name}_count`, labels, value: count })
    return samples
  }
}

interface Sample {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

/**
 * Registers a histogram whose observations cost a tenth of prom-client's own, which hashes the labels and walks an object of
 * buckets at each (650 ns with 14 of them); there are two a job. A registry asks a metric for nothing but its name and `get()`.
 */
export function registerHistogram(
  registry: Registry,
  { name, sentence }: Metric,
  children: readonly { readonly labels: Readonly<Record<string, string>>; readonly buckets: Buckets }[],
): void {
  const metric = {
    name,
    help: sentence,
    type: 'histogram',
    aggregator: 'sum',
    get: async () => ({
      name,
      help: sentence,
      type: 'histogram',
      aggregator: 'sum',
      values: children.flatMap(({ labels, buckets }) => buckets.samples(name, labels)),
    }),
  }
  registry.registerMetric(metric as unknown as PromMetric<string>)
}
