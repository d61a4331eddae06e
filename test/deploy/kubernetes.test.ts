import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, suite, type TestContext, test } from 'node:test'
import { stringify } from 'yaml'
import { type Case, KUBERNETES, renderCases, unrendered } from './kubernetes/cases.ts'
import { generatedFaults, imageFaults } from './kubernetes/drift.ts'
import { faultsOf, packageVersion } from './kubernetes/judge.ts'
import { type Manifest, select } from './kubernetes/manifest.ts'
import { componentsOf, overlaysOf, type Render, renderChart } from './kubernetes/render.ts'
import { tool } from './kubernetes/tools.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const CHART = join(KUBERNETES, 'helm', 'tidemill')

let cases: readonly Case[] = []

before(async () => {
  cases = await renderCases()
})

suite('what is applied', () => {
  test('every overlay, alone and under a prefix, and every render of the chart is without a fault', () => {
    assert.ok(cases.length >= 20, 'they are rendered')
    assert.deepEqual(cases.flatMap((one) => faultsOf(KUBERNETES, one)).map(lineOf), [])
  })

  test('every overlay and every component is in some render', () => {
    assert.deepEqual(unrendered(componentsOf(KUBERNETES), cases), [])
    for (const overlay of overlaysOf(KUBERNETES)) assert.ok(renderOf(overlay).manifests.length >= 8, overlay)
  })

  test('what is generated is as it would be generated now, and versions are those of package.json', () => {
    assert.deepEqual(generatedFaults(KUBERNETES, packageVersion()).map(lineOf), [])
    const images = overlaysOf(KUBERNETES).flatMap((overlay) => imageFaults(renderOf(overlay), packageVersion()))
    assert.deepEqual(images.map(lineOf), [])
  })

  test('the command prints the judgement and exits with it', () => {
    const { stdout, status } = spawnSync(process.execPath, ['test/deploy/main.ts', '--json'], {
      cwd: ROOT,
      encoding: 'utf8',
    })
    const { overlays, ...judgement } = JSON.parse(stdout.trim().split('\n').at(-1)!)
    assert.ok(overlays >= 10)
    assert.partialDeepStrictEqual(judgement, { ok: true, schemaErrors: 0, danglingRefs: 0, policyFaults: 0, drift: 0 })
    assert.equal(status, 0)
  })
})

suite('the chart', () => {
  test("passes helm's own lint", async () => {
    assert.match(await tool('helm', ['lint', '--strict', CHART]), /0 chart\(s\) failed/)
  })

  const refused: readonly [what: string, values: object, message: RegExp][] = [
    ['a misspelt setting', { settings: { concurency: 3 } }, /'concurency' not allowed/],
    ['a setting out of its bounds', { settings: { concurrency: 0 } }, /concurrency.*minimum: got 0, want 1/],
    ['a password in the URL', { settings: { brokerUrl: 'amqp://a:secret@mq' } }, /brokerUrl.*does not match pattern/],
    ['an unknown value', { keda: { minReplicas: 1 } }, /'minReplicas' not allowed/],
    ['the tag latest', { image: { tag: 'latest' } }, /image\/tag/],
    [
      'two scalers',
      { autoscaling: { enabled: true } },
      /expected one of keda.enabled and autoscaling.enabled, got both/,
    ],
    [
      'KEDA without a management URL',
      { settings: { managementUrl: null } },
      /settings.managementUrl: expected the URL/,
    ],
  ]
  for (const [what, values, message] of refused) {
    test(`refuses ${what}`, async (t) => {
      await assert.rejects(chart(t, values), message)
    })
  }

  test('hands numbers and lists to the worker as they were written', async (t) => {
    const settings = {
      consumerTimeoutMs: 2_592_000_000,
      jobTimeoutMs: 1_000_000,
      retryLadderMs: [1_000, 3_600_000],
      retryFactor: 1.5,
    }
    const { data } = objectOf(await chart(t, { settings }), 'ConfigMap')
    assert.partialDeepStrictEqual(data, {
      TIDEMILL_CONSUMER_TIMEOUT_MS: '2592000000',
      TIDEMILL_JOB_TIMEOUT_MS: '1000000',
      TIDEMILL_RETRY_LADDER_MS: '1000,3600000',
      TIDEMILL_RETRY_FACTOR: '1.5',
    })
  })

  test('sets a number of replicas only where nothing else does', async (t) => {
    const alone = await chart(t, { keda: { enabled: false }, replicaCount: 3 })
    assert.deepEqual(replicasOf(alone), [3])
    assert.deepEqual(replicasOf(await chart(t, {})), [])
    assert.deepEqual(replicasOf(await chart(t, { keda: { enabled: false }, autoscaling: { enabled: true } })), [])
  })

  test('makes another topology Job when what it is told changes, and the same when not', async (t) => {
    const nameWith = async (values: object) => objectOf(await chart(t, values), 'Job').metadata.name
    const first = await nameWith({})
    assert.equal(await nameWith({ keda: { maxReplicaCount: 5 } }), first)
    assert.notEqual(await nameWith({ settings: { deliveryLimit: 20 } }), first)
  })

  test('watches each rung of the ladder on Kafka', async (t) => {
    const settings = { brokerUrl: 'kafka://k1:9092,k2:9092', retryLadderMs: [500, 60_000], consumerGroup: 'mill' }
    const render = await chart(t, { settings, keda: { maxReplicaCount: 12 } })
    const triggers = select(objectOf(render, 'ScaledObject'), 'spec.triggers.*.metadata').map(({ value }) => value)
    assert.deepEqual(
      triggers.map(({ topic }) => topic),
      ['orders', 'orders.retry.500', 'orders.retry.60000'],
    )
    for (const { bootstrapServers, consumerGroup } of triggers) {
      assert.deepEqual([bootstrapServers, consumerGroup], ['k1:9092,k2:9092', 'mill'])
    }
  })
})

function renderOf(name: string): Render {
  const found = cases.find(({ render }) => render.name === name)
  assert.ok(found, `the render ${name}`)
  return found.render
}

/** The chart with some values changed. */
async function chart(t: TestContext, values: object): Promise<Render> {
  mkdirSync(join(ROOT, '.tidemill'), { recursive: true })
  const folder = mkdtempSync(join(ROOT, '.tidemill', 'values-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'values.yaml')
  writeFileSync(file, stringify(values))
  return renderChart(CHART, 'orders', [file])
}

function objectOf({ manifests }: Render, kind: string): Manifest & Record<string, any> {
  const found = manifests.find((manifest) => manifest.kind === kind)
  assert.ok(found, `a ${kind}`)
  return found
}

function replicasOf({ manifests }: Render): unknown[] {
  return manifests.flatMap((manifest) => select(manifest, 'spec.replicas').map(({ value }) => value))
}

function lineOf({ kind, where, message }: { kind: string; where: string; message: string }): string {
  return `${kind}: ${where}: ${message}`
}
