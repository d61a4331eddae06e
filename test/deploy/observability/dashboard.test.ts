import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { EXTERNAL } from '../../../deploy/observability/external.ts'
import { drift, rules, writeFiles } from '../../../deploy/observability/files.ts'
import { parsePromql } from '../../helpers/promql.ts'
import { madeDashboard, queriesOf } from './dashboard-queries.ts'

const ROOM = join(import.meta.dirname, '..', '..', '..', 'deploy', 'observability')
const DASHBOARD = madeDashboard()
const PANELS = DASHBOARD.panels.filter(({ type }) => type !== 'row')

test('the files that are committed are those that would be generated now', () => {
  assert.deepEqual(drift(), [], 'run: npm run observability')
})

test('a generated file that was changed by hand or is gone is named, and written anew', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemill-generated-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const all = writeFiles(folder)
  assert.ok(all.length >= 3)
  assert.deepEqual(drift('', folder), [])
  writeFileSync(join(folder, all[1]!), `${readFileSync(join(folder, all[1]!), 'utf8')}\n`)
  rmSync(join(folder, all[2]!))
  assert.deepEqual(drift('', folder), [all[1], all[2]])
  assert.deepEqual(writeFiles(folder), [all[1], all[2]])
})

test('the PrometheusRule has the rules of the plain file', () => {
  const path = join(ROOM, '..', 'kubernetes', 'components', 'monitoring', 'alerts.yaml')
  const { kind, spec } = parse(readFileSync(path, 'utf8')) as { kind: string; spec: object }
  assert.equal(kind, 'PrometheusRule')
  assert.deepEqual(spec, rules())
  assert.deepEqual(spec, parse(readFileSync(join(ROOM, 'rules', 'tidemill.yml'), 'utf8')))
})

test('every panel says in its title and description what it shows, has a unit, and a place in its row', () => {
  assert.deepEqual(
    DASHBOARD.panels.filter(({ type }) => type === 'row').map(({ title }) => title),
    ['Overview', 'Jobs', 'Autoscaling and backlog', 'Saturation', 'Lifecycle'],
  )
  for (const panel of PANELS) {
    assert.ok(panel.title.length > 2, JSON.stringify(panel.gridPos))
    assert.ok((panel.description?.length ?? 0) > 30, `${panel.title} is not described`)
    assert.ok((panel.fieldConfig?.defaults.unit ?? '') !== '', `${panel.title} has no unit`)
    assert.deepEqual(panel.datasource, { type: 'prometheus', uid: '$datasource' })
    const ids = panel.targets!.map(({ refId }) => refId)
    assert.ok(ids.length > 0 && new Set(ids).size === ids.length, `${panel.title} needs queries of different names`)
  }
  assert.equal(new Set(DASHBOARD.panels.map(({ id }) => id)).size, DASHBOARD.panels.length, 'ids of their own')
  assert.equal(new Set(PANELS.map(({ title }) => title)).size, PANELS.length, 'titles of their own')
})

test('the panels fill the grid of 24 columns, line by line, and none lies on another', () => {
  const taken = new Map<string, string>()
  let bottom = 0
  for (const { title, gridPos } of DASHBOARD.panels) {
    const { x, y, w, h } = gridPos
    assert.ok(w > 0 && h > 0 && x >= 0 && x + w <= 24, `${title} is out of the grid`)
    bottom = Math.max(bottom, y + h)
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        const cell = `${column},${line}`
        assert.equal(taken.get(cell), undefined, `${title} lies on ${taken.get(cell)}`)
        taken.set(cell, title)
      }
    }
  }
  assert.equal(taken.size, 24 * bottom, 'without holes')
})

test('the variables are the data source, namespace, queue and type, and every query uses those that its series have', () => {
  const names = DASHBOARD.templating.list.map(({ name }) => name)
  assert.deepEqual(names, ['datasource', 'namespace', 'queue', 'type'])
  for (const { title, expression } of queriesOf(DASHBOARD)) {
    assert.match(expression, /\$namespace/, title)
    const { metrics } = parsePromql(expression)
    const own = metrics.every((name) => /^(tidemill|process|nodejs)_/.test(name))
    if (own) assert.match(expression, /\$queue/, title)
    const shared = metrics.some((name) => /^(process|nodejs)_/.test(name))
    if (shared) assert.match(expression, /queue!=""/, `${title}: every program has such series`)
    const used = [...expression.matchAll(/\$(\w+)/g)].map(([, name]) => name!)
    assert.ok(
      used.every((name) => names.includes(name) || name === '__rate_interval'),
      `${title} uses ${used}`,
    )
  }
})

test('every query is PromQL, and reads counters and histograms over time only', () => {
  for (const { title, expression } of queriesOf(DASHBOARD)) {
    const { metrics, instant, faults } = parsePromql(expression)
    assert.deepEqual(faults, [], `${title}: ${expression}`)
    assert.ok(metrics.length > 0, title)
    assert.deepEqual(
      instant.filter((name) => /_(total|bucket|sum|count)$/.test(name)),
      [],
      title,
    )
  }
})

test('a query that is no PromQL is found, and what a query reads is seen through functions and operators', () => {
  assert.notDeepEqual(parsePromql('sum by (a (b)').faults, [])
  assert.deepEqual(parsePromql('sum by (le) (rate(a_total{x="b_total"}[$__rate_interval])) / on (c) d or vector(0)'), {
    metrics: ['a_total', 'd'],
    instant: ['d'],
    faults: [],
  })
  assert.deepEqual(parsePromql('{__name__=~"a|b", c="d"}').metrics, ['a', 'b'])
})

test('the README names every metric of other programs that is read', () => {
  const text = readFileSync(join(ROOM, 'README.md'), 'utf8')
  const table = text.slice(text.indexOf('| Of | Metrics |'), text.indexOf('They expect the labels'))
  const told = Array.from(table.matchAll(/`(\w+)`/g), ([, name]) => name!)
  assert.deepEqual(told.sort(), Object.values(EXTERNAL).flat().sort())
})

test('Grafana is provisioned with the Prometheus of the compose file and the folder of the dashboard', () => {
  const read = (path: string) => parse(readFileSync(join(ROOM, 'grafana', 'provisioning', path), 'utf8'))
  const { datasources } = read('datasources/prometheus.yml') as { datasources: { type: string; isDefault: boolean }[] }
  assert.deepEqual(
    datasources.map(({ type, isDefault }) => [type, isDefault]),
    [['prometheus', true]],
  )
  const { providers } = read('dashboards/tidemill.yml') as { providers: { options: { path: string } }[] }
  assert.equal(providers[0]?.options.path, '/var/lib/grafana/dashboards')
})
