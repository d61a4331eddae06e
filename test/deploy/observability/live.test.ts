import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ALERT_GROUPS } from '../../../deploy/observability/alerts/alerts.ts'
import { EXTERNAL } from '../../../deploy/observability/external.ts'
import { faultJob } from '../../faults/job.ts'
import { promtool, type Series } from '../../helpers/prometheus.ts'
import { parsePromql } from '../../helpers/promql.ts'
import { waitFor } from '../../helpers/wait.ts'
import { madeDashboard, queriesOf } from './dashboard-queries.ts'
import { type Observed, observe, ROOM, STAGES, work } from './observed.ts'

const ALERTS = Object.values(ALERT_GROUPS).flat()
const QUERIES = queriesOf(madeDashboard()).map((query) => ({ ...query, ...parsePromql(query.expression) }))
const OTHERS = new Set(Object.values(EXTERNAL).flat())
/** While the worker still drains: its long job keeps it that long. */
const DATA_TIMEOUT_MS = 90_000

test('the configuration of Prometheus is one, and loads the rules', async () => {
  const { ok, stdout, stderr } = await promtool(['check', 'config', join(ROOM, 'prometheus.yml')])
  assert.ok(ok, stdout + stderr)
  assert.match(stdout, /rules found/)
})

for (const [name, stage] of Object.entries(STAGES)) {
  test(`against a live worker and exporter on ${name}, every panel has data and every alert is evaluated`, async (t) => {
    const observed = await observe(t, await stage(t))
    await work(observed)
    await lookAt(t, observed)
  })
}

async function lookAt(t: TestContext, { prometheus, worker, exporter, settings, unknown }: Observed): Promise<void> {
  // Of tidemill, of its process, or of the state of its alerts.
  const own = QUERIES.filter(({ metrics }) => metrics.every((name) => !OTHERS.has(name) || name === 'ALERTS'))
  const ask = (expression: string, values?: Record<string, string>) => prometheus.query(filled(expression, values))

  await t.test('every metric that is named is exported, or listed as that of another program', async () => {
    let live = new Set<string>()
    const inAlerts = ALERTS.flatMap(({ expression }) => parsePromql(expression).metrics)
    const named = [...new Set([...QUERIES.flatMap(({ metrics }) => metrics), ...inAlerts])]
    let missing: string[] = []
    // A broker may count publishings some seconds late, and exports none until it has.
    const look = async () => {
      const texts = [await (await fetch(`http://127.0.0.1:${worker.httpPort}/metrics`)).text(), await exporter.scrape()]
      live = new Set(texts.flatMap((text) => Array.from(text.matchAll(/^([a-z_:]+)[{ ]/gm), ([, name]) => name!)))
      missing = named.filter((name) => !live.has(name) && !OTHERS.has(name))
      return missing.every((name) => unknown.includes(name))
    }
    await waitFor('every metric is exported', look, { timeoutMs: DATA_TIMEOUT_MS, everyMs: 1_000 }).catch((error) => {
      throw new Error(`neither exported nor listed: ${missing.join(', ')}`, { cause: error })
    })
    assert.deepEqual(missing, unknown, 'listed as unknown, and exported')
    const listed = [...OTHERS].filter((name) => !named.includes(name) || live.has(name))
    assert.deepEqual(listed, [], 'listed, and not read or exported by tidemill')
  })

  await t.test("every panel's queries run, and those of tidemill's own metrics have data", async () => {
    for (const { expression } of QUERIES) await ask(expression)
    const known = own.filter(({ metrics }) => !metrics.some((name) => unknown.includes(name)))
    let empty: string[] = []
    const look = async () => {
      const answers: (readonly Series[])[] = await Promise.all(known.map(({ expression }) => ask(expression)))
      empty = known.filter((_, index) => answers[index]!.length === 0).map(({ title }) => title)
      return empty.length === 0
    }
    await waitFor('every panel has data', look, { timeoutMs: DATA_TIMEOUT_MS, everyMs: 1_000 }).catch((error) => {
      throw new Error(`without data: ${empty.join(', ')}`, { cause: error })
    })
  })

  await t.test('a namespace or queue that is not there leaves every panel without data', async () => {
    for (const variable of ['namespace', 'queue']) {
      for (const { title, expression } of own) {
        const answer = await ask(expression, { [variable]: 'nowhere' })
        assert.ok(
          answer.every(({ value }) => value[1] === '0'),
          `${title} with another ${variable}: ${JSON.stringify(answer)}`,
        )
      }
    }
  })

  await t.test('the variables find the namespace, the queue and the type', async () => {
    const expected: Record<string, string> = { namespace: 'compose', queue: settings.queue, type: faultJob.type }
    for (const { name, query } of madeDashboard().templating.list.filter(({ name }) => name in expected)) {
      const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(query as string)!
      const path = `series?match[]=${encodeURIComponent(filled(selector!))}`
      const series = await prometheus.get<Record<string, string>[]>(path)
      assert.ok(series.map((each) => each[label!]).includes(expected[name]), `${name}: ${query}`)
    }
  })

  await t.test('Prometheus evaluates every rule, and the jobs that died are an alert', async () => {
    type Groups = { groups: { rules: { name: string; health: string; lastError?: string; state: string }[] }[] }
    const rules = (await prometheus.get<Groups>('rules')).groups.flatMap((group) => group.rules)
    const names = (list: readonly { name: string }[]) => list.map(({ name }) => name).sort()
    assert.deepEqual(names(rules), names(ALERTS))
    assert.deepEqual(names(rules.filter(({ health }) => health !== 'ok')), [])
    assert.equal(rules.find(({ name }) => name === 'TidemillDeadLetters')?.state, 'firing')
  })
}

/** As Grafana fills it in; a variable without a value is `All`. */
function filled(expression: string, values: Readonly<Record<string, string>> = {}): string {
  return expression
    .replaceAll('$__rate_interval', '1m')
    .replaceAll(/\$(\w+)/g, (_, name: string) => values[name] ?? '.*')
}
