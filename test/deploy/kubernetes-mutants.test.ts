import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { KUBERNETES } from './kubernetes/cases.ts'
import { chartFaults, generatedFaults, imageFaults } from './kubernetes/drift.ts'
import { inspect } from './kubernetes/inspect.ts'
import { judge } from './kubernetes/judge.ts'
import type { Fault } from './kubernetes/manifest.ts'
import { MUTANTS, type Mutant } from './kubernetes/mutants.ts'
import { POLICY_MUTANTS } from './kubernetes/mutants-policy.ts'
import { type Composition, renderChart, renderComposition } from './kubernetes/render.ts'

const ROOT = join(import.meta.dirname, '..', '..')

for (const kind of ['schema', 'reference', 'policy'] as const) {
  suite(`a ${kind} fault is seen`, () => {
    for (const mutant of [...MUTANTS, ...POLICY_MUTANTS].filter((one) => one.kind === kind)) {
      test(mutant.what, async (t) => {
        const folder = copyWith(t, mutant)
        const faults = inspect(folder, await renderComposition(folder, mutant.render ?? { overlay: 'rabbitmq' }))
        assert.ok(
          faults.some((fault) => fault.kind === kind && mutant.expected.test(`${fault.where} ${fault.message}`)),
          `expected a fault like ${mutant.expected}, got ${JSON.stringify(faults.slice(0, 5))}`,
        )
      })
    }
  })
}

test('a kustomization and a chart that can not be rendered are faults like others', async (t) => {
  const misspelt = copyWith(t, { file: 'overlays/kafka/kustomization.yaml', from: 'components:', to: 'componets:' })
  const { ok, schemaErrors, faults } = await judge(misspelt)
  assert.deepEqual([ok, schemaErrors > 0], [false, true])
  assert.ok(
    faults.some(({ where, message }) => where === 'kafka' && /it can't be rendered: .*componets/s.test(message)),
  )
})

suite('drift is seen', () => {
  const values = 'ci/rabbitmq-values.yaml'
  const equals: Composition = { overlay: 'rabbitmq', add: ['monitoring', 'networkpolicy'] }

  async function drift(t: TestContext, file: string, from: string, to: string): Promise<Fault[]> {
    const folder = copyWith(t, { file, from, to })
    const chart = join(folder, 'helm', 'tidemill')
    const overlay = await renderComposition(folder, equals)
    const rendered = await renderChart(chart, 'orders', [join(chart, values)])
    return [...chartFaults(rendered, overlay), ...generatedFaults(folder, '0.1.0'), ...imageFaults(overlay, '0.1.0')]
  }

  test('between the chart and kustomize', async (t) => {
    const faults = await drift(
      t,
      'components/keda-rabbitmq/scaled-object.yaml',
      'maxReplicaCount: 20',
      'maxReplicaCount: 19',
    )
    assert.deepEqual(
      faults.map(({ message }) => message),
      ['spec.maxReplicaCount: expected as in rabbitmq + monitoring + networkpolicy, 19, got 20'],
    )
  })

  test('of an object that only one of them has', async (t) => {
    const faults = await drift(t, 'base/kustomization.yaml', '  - pod-disruption-budget.yaml\n', '')
    assert.match(
      faults.map(({ where, message }) => `${where} ${message}`).join(),
      /PodDisruptionBudget.*the object: expected/,
    )
  })

  test("of the values' schema from the table of settings", async (t) => {
    const faults = await drift(t, 'helm/tidemill/values.schema.json', '"maximum": 10000', '"maximum": 9999')
    assert.match(faults.map(({ message }) => message).join(), /stale/)
  })

  test('of the alerts from their source', async (t) => {
    const faults = await drift(t, 'helm/tidemill/files/alerts.yaml', 'for: 15m', 'for: 16m')
    assert.deepEqual(
      faults.filter(({ message }) => /stale/.test(message)).map(({ where }) => where),
      ['helm/tidemill/files/alerts.yaml'],
    )
  })

  test('of the versions', async (t) => {
    const chart = await drift(t, 'helm/tidemill/Chart.yaml', 'appVersion: 0.1.0', 'appVersion: 0.0.9')
    assert.match(
      chart.map(({ message }) => message).join(),
      /appVersion: expected package.json's version, 0.1.0, got 0.0.9/,
    )
    const image = await drift(t, 'overlays/rabbitmq/kustomization.yaml', 'newTag: 0.1.0', 'newTag: 0.0.9')
    assert.match(
      image.map(({ message }) => message).join(),
      /the image: expected package.json's version, 0.1.0, got 0.0.9/,
    )
  })
})

/** A copy of all manifests, with one change. */
function copyWith(t: TestContext, { file, from, to }: Pick<Mutant, 'file' | 'from' | 'to'>): string {
  mkdirSync(join(ROOT, '.tidemill'), { recursive: true })
  const folder = mkdtempSync(join(ROOT, '.tidemill', 'mutant-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(KUBERNETES, folder, { recursive: true })
  const path = join(folder, file)
  const text = readFileSync(path, 'utf8')
  const changed = text.replace(from, to)
  assert.notEqual(changed, text, `${file} has ${from}`)
  writeFileSync(path, changed)
  return folder
}
