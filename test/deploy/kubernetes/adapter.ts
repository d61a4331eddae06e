import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { QUEUE_METRICS } from '../../../worker/metrics-table.ts'
import { type Fault, type Manifest, nameOf, select } from './manifest.ts'

const FILE = join('components', 'hpa-external', 'prometheus-adapter.yaml')

/** Metrics that an HPA asks the Prometheus adapter for and no rule makes, and rules about metrics that nobody exports. */
export function adapterFaults(folder: string, render: string, manifests: readonly Manifest[]): Fault[] {
  const rules = existsSync(join(folder, FILE)) ? adapterRules(folder) : []
  const made = rules.map(({ name }) => name.as)
  const asked = manifests.flatMap((manifest) =>
    select(manifest, 'spec.metrics.*.external.metric.name').map(({ value }) => ({
      where: nameOf(manifest),
      name: value,
    })),
  )
  const unmade = asked
    .filter(({ name }) => !made.includes(name))
    .map(({ where, name }) => ({ where, message: `expected a metric of ${FILE} (${made.join(', ')}), got ${name}` }))
  if (asked.length === 0) return []
  const exported: readonly string[] = Object.values(QUEUE_METRICS).map(({ name }) => name)
  const foreign = rules.flatMap(({ seriesQuery, metricsQuery, name }) => {
    const named = `${seriesQuery} ${metricsQuery}`.match(/\btidemill_\w+/g) ?? []
    return named
      .filter((metric) => !exported.includes(metric))
      .map((metric) => ({ where: `${FILE} ${name.as}`, message: `expected metrics of the exporter, got ${metric}` }))
  })
  return [...unmade, ...foreign].map(({ where, message }) => ({
    kind: 'policy',
    where: `${render}: ${where}`,
    message,
  }))
}

interface Rule {
  readonly seriesQuery: string
  readonly metricsQuery: string
  readonly name: { readonly as: string }
}

/** The rules of the Prometheus adapter for external metrics. */
export function adapterRules(folder: string): readonly Rule[] {
  return parse(readFileSync(join(folder, FILE), 'utf8')).rules.external
}
