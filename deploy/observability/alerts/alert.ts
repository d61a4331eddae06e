/** A rule that fires when something needs a person. */
export interface Alert {
  readonly name: `Tidemill${string}`
  /** `critical`: jobs are not being done, somebody gets up. `warning`: somebody looks in the morning. */
  readonly severity: 'critical' | 'warning'
  /** For how long it must hold before it fires. Default: it fires at once. */
  readonly for?: string
  readonly expression: string
  /** One sentence, the same for every series. */
  readonly summary: string
  /** What is so, with the figures: a template of Prometheus. */
  readonly description: string
}

/** The queue of a series, in a description. */
export const THE_QUEUE = '{{ $labels.queue }} in {{ $labels.namespace }}'

/**
 * The larger figure, by queue, of a gauge of the exporter: while one exporter is replaced there may be two.
 * @param name the metric, or an expression of it
 */
export function byQueue(name: string): string {
  return `max by (namespace, queue) (${name})`
}

/** The sum over a queue's workers. */
export function sumByQueue(expression: string): string {
  return `sum by (namespace, queue) (${expression})`
}
