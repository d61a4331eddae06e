import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { stringify } from 'yaml'
import type { Alert } from './alerts/alert.ts'
import { ALERT_GROUPS } from './alerts/alerts.ts'
import { dashboard } from './dashboard/dashboard.ts'
import { runbookUrl } from './runbook.ts'

const DEPLOY = dirname(import.meta.dirname)
const NOTICE = '# Made by `npm run observability` from deploy/observability/alerts: change it there.\n'

/** The rules as Prometheus has them in a file, and the operator in the `spec` of a PrometheusRule. */
export function rules(): object {
  const groups = Object.entries(ALERT_GROUPS).map(([name, alerts]) => ({ name, rules: alerts.map(rule) }))
  return { groups }
}

function rule({ name, severity, for: duration, expression, summary, description }: Alert): object {
  return {
    alert: name,
    expr: expression,
    ...(duration !== undefined && { for: duration }),
    labels: { severity },
    annotations: { summary, description, runbook_url: runbookUrl(name) },
  }
}

/**
 * Every generated file: its path below deploy/, and its text. Neither kustomize nor Helm reads what is above its own folder, so
 * component and chart have copies.
 */
function generatedFiles(): ReadonlyMap<string, string> {
  const json = `${JSON.stringify(dashboard(), null, 2)}\n`
  const operator = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'alerts', labels: { 'app.kubernetes.io/name': 'tidemill' } },
    spec: rules(),
  }
  return new Map([
    ['observability/grafana/dashboards/tidemill.json', json],
    ['observability/rules/tidemill.yml', yaml(rules())],
    ['kubernetes/components/monitoring/dashboards/tidemill.json', json],
    ['kubernetes/components/monitoring/alerts.yaml', yaml(operator)],
    ['kubernetes/helm/tidemill/files/dashboards/tidemill.json', json],
    ['kubernetes/helm/tidemill/files/alerts.yaml', yaml(rules())],
  ])
}

/**
 * The generated files that are not as they would be generated now.
 * @param part a folder of deploy/ that they are below, with its slash; all of them by default
 * @param folder where that folder is looked for
 */
export function drift(part = '', folder = join(DEPLOY, part)): string[] {
  return Array.from(generatedFiles())
    .filter(([path]) => path.startsWith(part))
    .map(([path, text]) => [path.slice(part.length), text] as const)
    .filter(([path, text]) => !existsSync(join(folder, path)) || readFileSync(join(folder, path), 'utf8') !== text)
    .map(([path]) => path)
}

/** Brings them up to date below `folder`. Returns those that were not. */
export function writeFiles(folder = DEPLOY): string[] {
  const stale = drift('', folder)
  const files = generatedFiles()
  for (const path of stale) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), files.get(path)!)
  }
  return stale
}

function yaml(value: object): string {
  return NOTICE + stringify(value, { lineWidth: 0, blockQuote: 'literal' })
}
