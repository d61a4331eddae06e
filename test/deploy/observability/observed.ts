import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { parse, stringify } from 'yaml'
import { openBroker } from '../../../worker/brokers/index.ts'
import type { BrokerSettings } from '../../../worker/contracts.ts'
import { createProducer } from '../../../worker/producer.ts'
import { faultJob, type Mood } from '../../faults/job.ts'
import { sharedBroker } from '../../helpers/broker.ts'
import { type ExporterProcess, startExporter } from '../../helpers/exporter-process.ts'
import { sharedKafka } from '../../helpers/kafka.ts'
import { type Prometheus, startPrometheus } from '../../helpers/prometheus.ts'
import { queueFor } from '../../helpers/queue.ts'
import { topicFor } from '../../helpers/topic.ts'
import { waitFor } from '../../helpers/wait.ts'
import { WorkerProcess } from '../../helpers/worker-process.ts'

export const ROOM = join(import.meta.dirname, '..', '..', '..', 'deploy', 'observability')

/** A queue on a real broker, and the metrics that its exporter can't have there. */
interface Stage {
  readonly settings: BrokerSettings
  readonly unknown: readonly string[]
}

export const STAGES: Readonly<Record<string, (t: TestContext) => Promise<Stage>>> = {
  async RabbitMQ(t) {
    const broker = await sharedBroker()
    assert.ok(broker.managementUrl, 'this test needs the management API of the broker')
    return { settings: (await queueFor(t, broker)).settings, unknown: [] }
  },
  async Kafka(t) {
    const { settings } = await topicFor(t, await sharedKafka())
    return { settings, unknown: ['tidemill_queue_unacknowledged'] }
  },
}

/** Processes that are observed, and who observes them. */
export interface Observed extends Stage {
  readonly worker: WorkerProcess
  readonly exporter: ExporterProcess
  readonly prometheus: Prometheus
}

/** Starts a worker, an exporter, and a Prometheus that scrapes both as prometheus.yml says, but each second. */
export async function observe(t: TestContext, stage: Stage): Promise<Observed> {
  const { brokerUrl, managementUrl, queue, retryLadderMs } = stage.settings
  const folder = mkdtempSync(join(tmpdir(), 'tidemill-observed-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const env = { TIDEMILL_BROKER_URL: brokerUrl, TIDEMILL_QUEUE: queue, TIDEMILL_RETRY_LADDER_MS: retryLadderMs.join() }
  const drain = { TIDEMILL_DRAIN_TIMEOUT_MS: '300000', TIDEMILL_TERMINATION_GRACE_MS: '600000' }
  const [worker, exporter] = await Promise.all([
    WorkerProcess.start(t, 'test/faults/fault-worker.ts', {
      env: { ...env, ...drain, FAULT_QUEUE: queue, FAULT_FOLDER: folder },
    }),
    startExporter(t, { ...env, ...(managementUrl !== undefined && { TIDEMILL_MANAGEMENT_URL: managementUrl }) }),
  ])
  const prometheus = await startPrometheus(t, configFor(worker.httpPort, exporter.httpPort))
  return { ...stage, worker, exporter, prometheus }
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

/** Gives the worker jobs of all kinds, and ends it while one of them runs on, so that a drain has figures too. */
export async function work({ settings, worker, prometheus }: Observed): Promise<void> {
  const seen = `tidemill_jobs_started_total{queue="${settings.queue}"} and on () tidemill_queue_ready`
  await waitFor('Prometheus has seen both before there is work', async () => (await prometheus.query(seen)).length > 0)
  const broker = await openBroker(settings, () => undefined)
  const producer = createProducer({ broker, queue: settings.queue })
  const moods: Mood[] = [...Array<Mood>(30).fill('good'), 'failing', 'failing', 'once', 'permanent', 'long']
  for (const mood of moods) await producer.enqueue(faultJob, { ms: 20, mood })
  await producer.close()
  const settled = 'sum(tidemill_jobs_settled_total{outcome=~"ack|dead"})'
  await waitFor(
    'all jobs but the long one are settled, and that was scraped',
    async () => Number((await prometheus.query(settled))[0]?.value[1]) === moods.length - 1,
    { timeoutMs: 60_000, everyMs: 200 },
  )
  worker.signal('SIGTERM')
}
