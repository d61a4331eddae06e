import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parse, stringify } from 'yaml'
import type { CommandResult } from '../../../deploy/local/command.ts'
import type { Alert } from '../../../deploy/observability/alerts/alert.ts'
import { ALERT_GROUPS } from '../../../deploy/observability/alerts/alerts.ts'
import { rules } from '../../../deploy/observability/files.ts'
import { promtool } from '../../helpers/prometheus.ts'
import type { AlertCase } from './alert-case.ts'
import { backlogCases } from './backlog-cases.ts'
import { jobCases } from './job-cases.ts'
import { quietCases } from './quiet-cases.ts'
import { scalingCases } from './scaling-cases.ts'
import { workerCases } from './worker-cases.ts'

const ROOM = join(import.meta.dirname, '..', '..', '..', 'deploy', 'observability')
const RULES = join(ROOM, 'rules', 'tidemill.yml')
const ALERTS = Object.values(ALERT_GROUPS).flat()
const TOLD = [...backlogCases, ...scalingCases, ...jobCases, ...workerCases]
const CASES = [...TOLD, ...quietCases]

interface Rules {
  groups: { rules: { alert: string; expr: string; for?: string; annotations: Record<string, string> }[] }[]
}

/** The cases as promtool reads them; those with the same series are one test of its, because it computes them all from the beginning. */
function testFile(ruleFile: string, cases: readonly AlertCase[]): string {
  const tests = Array.from(
    Map.groupBy(cases, ({ series }) => series),
    ([series, same]) => ({
      name: same[0]!.title,
      interval: '1m',
      input_series: Object.entries(series).map(([series, values]) => ({ series, values })),
      alert_rule_test: same.map((each) => ({
        eval_time: each.at,
        alertname: each.alert,
        exp_alerts: each.fires === undefined ? [] : [expected(each)],
      })),
    }),
  )
  return stringify({ rule_files: [ruleFile], evaluation_interval: '1m', tests })
}

const nameOf = ({ alert, title }: AlertCase) => `${alert}: ${title}`

function expected({ alert, fires }: AlertCase) {
  const { severity, summary } = ALERTS.find(({ name }) => name === alert) as Alert
  const { annotations } = (rules() as Rules).groups
    .flatMap((group) => group.rules)
    .find((rule) => rule.alert === alert)!
  return {
    exp_labels: { ...fires!.labels, severity },
    exp_annotations: { summary, description: fires!.description, runbook_url: annotations['runbook_url'] },
  }
}

/** Runs the cases against a file of rules. */
async function runCases(t: TestContext, ruleFile: string): Promise<CommandResult> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemill-alerts-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'alerts.test.yml')
  writeFileSync(file, testFile(ruleFile, CASES))
  return promtool(['test', 'rules', file])
}

/** A copy of the rules in which every alert has this expression, and waits for nothing. */
function altered(t: TestContext, expression: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidemill-rules-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const changed = parse(readFileSync(RULES, 'utf8')) as Rules
  for (const rule of changed.groups.flatMap((group) => group.rules)) {
    rule.expr = expression
    delete rule.for
  }
  const file = join(folder, 'rules.yml')
  writeFileSync(file, stringify(changed))
  return file
}

/** The cases that failed, from promtool's output. */
function failedIn({ stdout, stderr }: CommandResult): string[] {
  const failures = (stdout + stderr).matchAll(/^\s+name: (.+),\n\s+alertname: (\w+),/gm)
  return Array.from(failures, ([, title, alert]) => `${alert}: ${title}`).sort()
}

test('each alert has a story in which it fires and one in which it does not', () => {
  for (const { name } of ALERTS) {
    const stories = TOLD.filter(({ alert }) => alert === name)
    assert.ok(
      stories.some(({ fires }) => fires !== undefined),
      `${name} fires in none`,
    )
    assert.ok(
      stories.some(({ fires }) => fires === undefined),
      `${name} fires in all`,
    )
  }
  assert.equal(new Set(CASES.map(nameOf)).size, CASES.length, 'each has a name of its own')
})

test('the rules are accepted by promtool, without a remark of its linter', async () => {
  const { ok, stdout, stderr } = await promtool(['check', 'rules', '--lint=all', '--lint-fatal', RULES])
  assert.ok(ok, stdout + stderr)
  assert.match(stdout, new RegExp(`${ALERTS.length} rules found`))
})

test('alerts fire in the stories that call for them, with their words, and in no other', async (t) => {
  const { ok, stdout, stderr } = await runCases(t, RULES)
  assert.ok(ok, stdout + stderr)
})

test('every story notices an alert that says something else', async (t) => {
  assert.deepEqual(failedIn(await runCases(t, altered(t, 'vector(1)'))), CASES.map(nameOf).sort())
})

test('every alert has its entry in the runbook, where its link leads, and the runbook has no other', () => {
  const text = readFileSync(join(ROOM, 'README.md'), 'utf8')
  const entries = [...text.matchAll(/^### (Tidemill\w+)$/gm)].map(([, name]) => name!)
  assert.deepEqual(
    entries,
    ALERTS.map(({ name }) => name),
  )
  for (const { annotations } of (rules() as Rules).groups.flatMap((group) => group.rules)) {
    const [path, anchor] = annotations['runbook_url']!.split('#') as [string, string]
    assert.match(path, /deploy\/observability\/README\.md$/)
    assert.ok(entries.some((name) => name.toLowerCase() === anchor))
  }
})
