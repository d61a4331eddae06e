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

/** Every generated file: its path below deploy/, and its text. kustomize reads nothing above a component, so it has copies. */
function generatedFiles(): ReadonlyMap<string, string> {
  const json = `${JSON.stringify(dashboard(), null, 2)}\n`
  const operator = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'tidemill' },
    spec: rules(),
  }
  return new Map([
    ['observability/grafana/dashboards/tidemill.json', json],
    ['observability/rules/tidemill.yml', yaml(rules())],
    ['kubernetes/components/monitoring/dashboards/tidemill.json', json],
    ['kubernetes/components/monitoring/prometheus-rule.yaml', yaml(operator)],
  ])
}

/** The generated files below `root` that are not as they would be generated now. */
export function drift(root = DEPLOY): string[] {
  return Array.from(generatedFiles())
    .filter(([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text)
    .map(([path]) => path)
}

/** Brings them up to date. Returns those that were not. */
export function writeFiles(root = DEPLOY): string[] {
  const stale = drift(root)
  const files = generatedFiles()
  for (const path of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), files.get(path)!)
  }
  return stale
}

function yaml(value: object): string {
  return NOTICE + stringify(value, { lineWidth: 0, blockQuote: 'literal' })
}
