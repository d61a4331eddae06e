/** The label matchers that the dashboard's variables make, for the series of a worker or of the exporter. */
export const QUEUE = 'namespace=~"$namespace", queue=~"$queue"'

/** The same for series that have a job's type. */
export const JOBS = `${QUEUE}, type=~"$type"`

/** The same for the process's own figures, which every other program exports under the same names, without a queue. */
export const PROCESS = `${QUEUE}, queue!=""`

/** The series that Kubernetes has of the workers' containers; the manifests give them this name. */
export const CONTAINER = 'namespace=~"$namespace", container="worker"'

/** Sums a gauge of the exporter. While an exporter is replaced there may be two: what both say counts once. */
export function queueGauge(name: string): string {
  return `sum(max by (namespace, queue) (${name}{${QUEUE}}))`
}

/** What a worker counts, by the second. */
export function rate(name: string, matchers = JOBS): string {
  return `rate(${name}{${matchers}}[$__rate_interval])`
}

/** What a worker counts, by the interval between two points: for what is rare. */
export function increase(name: string, matchers = JOBS): string {
  return `increase(${name}{${matchers}}[$__rate_interval])`
}

/** A quantile of a histogram. @param by labels to keep, besides `le` */
export function quantile(q: number, name: string, matchers = JOBS, by: readonly string[] = []): string {
  return `histogram_quantile(${q}, sum by (${['le', ...by].join(', ')}) (${rate(`${name}_bucket`, matchers)}))`
}

/** The tries that failed, by the second: a handler that asks to be called later has not. */
function failed(by = ''): string {
  const retried = rate('tidemill_jobs_retried_total', `${JOBS}, reason!~"retry-later|type-limit"`)
  return `(sum${by} (${retried}) + sum${by} (${rate('tidemill_jobs_dead_total')}))`
}

/** The tries that failed as a part of those that ended; nothing where none ended. */
export function failingPart(by = ''): string {
  const ended = rate('tidemill_jobs_settled_total', `${JOBS}, outcome=~"ack|retry|dead"`)
  return `${failed(by)} / (sum${by} (${ended}) > 0)`
}

/**
 * A metric of KEDA's operator. Its own label `namespace` names the scaled object's; where Prometheus was not told to honour
 * that, the label is called `exported_namespace`, and `namespace` is that of the operator.
 */
export function keda(name: string, wrap: (series: string) => string = (series) => series): string {
  const renamed = wrap(`${name}{exported_namespace!="", exported_namespace=~"$namespace"}`)
  return `${renamed} or ${wrap(`${name}{exported_namespace="", namespace=~"$namespace"}`)}`
}
