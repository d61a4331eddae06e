import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parse, stringify } from 'yaml'
import { ALERT_GROUPS } from '../../../deploy/observability/alerts/alerts.ts'
import { EXTERNAL } from '../../../deploy/observability/external.ts'
import { openBroker } from '../../../worker/brokers/index.ts'
import { createProducer } from '../../../worker/producer.ts'
import { faultJob, type Mood } from '../../faults/job.ts'
import { type SharedBroker, sharedBroker } from '../../helpers/broker.ts'
import { type ExporterProcess, startExporter } from '../../helpers/exporter-process.ts'
import { type Prometheus, promtool, startPrometheus } from '../../helpers/prometheus.ts'
import { parsePromql } from '../../helpers/promql.ts'
import { queueFor, type TestQueue } from '../../helpers/queue.ts'
import { waitFor } from '../../helpers/wait.ts'
import { WorkerProcess } from '../../helpers/worker-process.ts'
import { madeDashboard, type PanelQuery, queriesOf } from './dashboard-queries.ts'

const ROOM = join(import.meta.dirname, '..', '..', '..', 'deploy', 'observability')
const QUERIES = queriesOf(madeDashboard())
const OTHERS = new Set(Object.values(EXTERNAL).flat())
/** All of these while the workers still run: a long job keeps a drain open that long. */
const DATA_TIMEOUT_MS = 90_000

interface Setting {
  readonly broker: SharedBroker
  readonly queue: TestQueue
  readonly worker: WorkerProcess
  readonly exporter: ExporterProcess
  readonly prometheus: Prometheus
}

/** A worker, an exporter and a Prometheus that scrapes both as prometheus.yml says, each second. */
async function setUp(t: TestContext): Promise<Setting> {
  const broker = await sharedBroker()
  assert.ok(broker.managementUrl, 'this test needs the management API of the broker')
  const queue = await queueFor(t, broker)
  const folder = mkdtempSync(join(tmpdir(), 'tidemill-observed-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const env = { TIDEMILL_BROKER_URL: broker.url, TIDEMILL_QUEUE: queue.queue, TIDEMILL_RETRY_LADDER_MS: '200,1000' }
  const drain = { TIDEMILL_DRAIN_TIMEOUT_MS: '300000', TIDEMILL_TERMINATION_GRACE_MS: '600000' }
  const [worker, exporter] = await Promise.all([
    WorkerProcess.start(t, 'test/faults/fault-worker.ts', {
      env: { ...env, ...drain, FAULT_QUEUE: queue.queue, FAULT_FOLDER: folder },
    }),
    startExporter(t, { ...env, TIDEMILL_MANAGEMENT_URL: broker.managementUrl }),
  ])
  const prometheus = await startPrometheus(t, configFor(worker.httpPort, exporter.httpPort))
  return { broker, queue, worker, exporter, prometheus }
}

/** prometheus.yml with its two jobs at these ports. */
function configFor(workerPort: number, exporterPort: number): string {
  const config = parse(readFileSync(join(ROOM, 'prometheus.yml'), 'utf8')) as {
    global: Record<string, string>
    rule_files: string[]
    scrape_configs: { job_name: string; dns_sd_configs?: unknown; static_configs?: unknown }[]
  }
  config.global = { scrape_interval: '1s', evaluation_interval: '1s' }
  config.rule_files = config.rule_files.map((path) => join(ROOM, path))
  for (const job of config.scrape_configs) {
    delete job.dns_sd_configs
    const port = job.job_name === 'tidemill-worker' ? workerPort : exporterPort
    job.static_configs = [{ targets: [`127.0.0.1:${port}`] }]
  }
  return stringify(config)
}

/** As Grafana would fill it in. */
function filled(expression: string, values: Readonly<Record<string, string>> = {}): string {
  return expression
    .replaceAll('$__rate_interval', '1m')
    .replaceAll(/\$(\w+)/g, (_, name: string) => values[name] ?? '.*')
}

async function work({ broker, queue, worker, prometheus }: Setting): Promise<void> {
  const seen = `tidemill_jobs_started_total{queue="${queue.queue}"} and on () tidemill_queue_ready`
  await waitFor('Prometheus has seen both before there is work', async () => (await prometheus.query(seen)).length > 0)
  const producer = createProducer({
    broker: await openBroker({ ...queue.settings, brokerUrl: broker.url }, () => undefined),
    queue: queue.queue,
  })
  const moods: Mood[] = [...Array<Mood>(30).fill('good'), 'failing', 'failing', 'once', 'permanent', 'long']
  for (const mood of moods) await producer.enqueue(faultJob, { ms: 20, mood })
  await producer.close()
  const settled = `sum(tidemill_jobs_settled_total{outcome=~"ack|dead"})`
  await waitFor(
    'all jobs but the long one are settled, and that was scraped',
    async () => Number((await prometheus.query(settled))[0]?.value[1]) === moods.length - 1,
    { timeoutMs: 60_000, everyMs: 200 },
  )
  // So that the drain, which the long job keeps open, has figures too.
  worker.signal('SIGTERM')
}

test('the configuration of Prometheus is one, and loads the rules', async () => {
  const { ok, stdout, stderr } = await promtool(['check', 'config', join(ROOM, 'prometheus.yml')])
  assert.ok(ok, stdout + stderr)
  assert.match(stdout, /rules found/)
})

test('against a live worker and exporter, every panel has data and every alert is evaluated', async (t) => {
  const setting = await setUp(t)
  const { prometheus, worker, exporter } = setting
  await work(setting)

  await t.test(
    'every metric that a panel or an alert names is exported, or is listed as that of another program',
    async () => {
      const texts = [await (await fetch(`http://127.0.0.1:${worker.httpPort}/metrics`)).text(), await exporter.scrape()]
      const live = new Set(texts.flatMap((text) => Array.from(text.matchAll(/^([a-z_:]+)[{ ]/gm), ([, name]) => name!)))
      const alerts = Object.values(ALERT_GROUPS).flat()
      const named = new Set([...QUERIES, ...alerts].flatMap(({ expression }) => parsePromql(expression).metrics))
      assert.deepEqual(
        [...named].filter((name) => !live.has(name) && !OTHERS.has(name)),
        [],
      )
      assert.deepEqual(
        [...OTHERS].filter((name) => !named.has(name)),
        [],
        'listed, and not used',
      )
      assert.deepEqual(
        [...OTHERS].filter((name) => live.has(name)),
        [],
        "listed as another program's",
      )
    },
  )

  await t.test("every panel's queries run, and those of tidemill's own metrics have data", async () => {
    let missing: string[] = []
    const look = async () => {
      const answers = await Promise.all(QUERIES.map(({ expression }) => prometheus.query(filled(expression))))
      missing = QUERIES.filter((query, index) => isOwn(query) && answers[index]!.length === 0).map(({ title }) => title)
      return missing.length === 0
    }
    const options = { timeoutMs: DATA_TIMEOUT_MS, everyMs: 1_000 }
    await waitFor('every panel has data', look, options).catch(() => assert.deepEqual(missing, []))
  })

  await t.test('a namespace or queue that is not there leaves every panel without data', async () => {
    for (const name of ['namespace', 'queue']) {
      for (const query of QUERIES.filter(isOwn)) {
        const answer = await prometheus.query(filled(query.expression, { [name]: 'nowhere' }))
        assert.deepEqual(
          answer.filter(({ value }) => value[1] !== '0'),
          [],
          `${query.title} with another ${name}`,
        )
      }
    }
  })

  await t.test('the variables find the namespace, the queue and the type', async () => {
    const expected = { namespace: 'compose', queue: setting.queue.queue, type: faultJob.type }
    for (const { name, query } of madeDashboard().templating.list.filter(({ name }) => name !== 'datasource')) {
      const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(query as string) as unknown as [
        string,
        string,
        string,
      ]
      const series = await prometheus.get<Record<string, string>[]>(
        `series?match[]=${encodeURIComponent(filled(selector))}`,
      )
      assert.ok(
        series.some((each) => each[label] === expected[name as keyof typeof expected]),
        `${name}: ${query}`,
      )
    }
  })

  await t.test('Prometheus evaluates every rule, and the jobs that died are an alert', async () => {
    type Groups = { groups: { rules: { name: string; health: string; lastError?: string; state: string }[] }[] }
    const { groups } = await prometheus.get<Groups>('rules')
    const found = groups.flatMap((group) => group.rules)
    assert.deepEqual(
      found.map(({ name }) => name).sort(),
      Object.values(ALERT_GROUPS)
        .flat()
        .map(({ name }) => name)
        .sort(),
    )
    assert.deepEqual(
      found.filter(({ health }) => health !== 'ok'),
      [],
    )
    assert.equal(found.find(({ name }) => name === 'TidemillDeadLetters')?.state, 'firing')
  })
})

/** Whether a query reads metrics of tidemill, of its process or the state of its alerts only. */
function isOwn({ expression }: PanelQuery): boolean {
  return parsePromql(expression).metrics.every((name) => !OTHERS.has(name) || name === 'ALERTS')
}
