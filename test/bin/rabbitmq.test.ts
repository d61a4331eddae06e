import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type SharedBroker, sharedBroker } from '../helpers/broker.ts'
import { tidemill } from '../helpers/command.ts'
import { figureIn, startExporter } from '../helpers/exporter-process.ts'
import { queueFor } from '../helpers/queue.ts'
import { waitFor } from '../helpers/wait.ts'
import { WorkerProcess } from '../helpers/worker-process.ts'

const LADDER = '200,1000'

function envOf(broker: SharedBroker, queue: string): Record<string, string> {
  return { TIDEMILL_BROKER_URL: broker.url, TIDEMILL_QUEUE: queue, TIDEMILL_RETRY_LADDER_MS: LADDER }
}

test('topology verify names what is missing, apply sets it up, and both are content when all is there', async (t) => {
  const broker = await sharedBroker()
  const { queue, connection } = await queueFor(t, broker)
  const env = envOf(broker, queue)
  assert.equal((await tidemill(['topology', 'verify'], { env })).code, 0)
  const channel = await connection.createChannel()
  await channel.deleteQueue(`${queue}.suspects`)
  const missing = await tidemill(['topology', 'verify', '--json'], { env })
  assert.equal(missing.code, 1)
  const { ok, faults } = JSON.parse(missing.stdout) as { ok: boolean; faults: { name: string }[] }
  assert.equal(ok, false)
  assert.deepEqual(
    faults.map(({ name }) => name),
    [`${queue}.suspects`],
  )
  assert.match((await tidemill(['topology', 'verify'], { env })).stderr, /tidemill topology apply/)
  const applied = await tidemill(['topology', 'apply'], { env })
  assert.equal(applied.code, 0, applied.stderr)
  assert.match(applied.stdout, new RegExp(`^ {2}queue +${queue}\\.suspects `, 'm'))
  assert.equal((await tidemill(['topology', 'verify'], { env })).code, 0)
})

test('what is there with other settings is a conflict, and the exit code is 1', async (t) => {
  const broker = await sharedBroker()
  const { queue } = await queueFor(t, broker)
  const args = ['topology', 'apply', '--delivery-limit', '60']
  const { code, stderr } = await tidemill(args, { env: envOf(broker, queue) })
  assert.equal(code, 1)
  assert.match(stderr, /the broker refused/)
})

test('what is enqueued is worked off by a worker, and the exporter shows it from outside', async (t) => {
  const broker = await sharedBroker()
  const { queue } = await queueFor(t, broker)
  const env = envOf(broker, queue)
  const management = broker.managementUrl === undefined ? {} : { TIDEMILL_MANAGEMENT_URL: broker.managementUrl }
  const exporter = await startExporter(t, { ...env, ...management })
  const enqueued = await tidemill(['enqueue', '--from', 'orders', '--count', '300', '--json'], { env })
  assert.deepEqual(JSON.parse(enqueued.stdout), { ok: true, queue, type: 'order.process', enqueued: 300 })
  const ready = (count: number) => async () => figureIn(await exporter.scrape(), 'ready') === count
  await waitFor('the exporter shows 300 jobs', ready(300), { everyMs: 200 })
  const folder = mkdtempSync(join(tmpdir(), 'tidemill-orders-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const worker = await WorkerProcess.start(t, 'worker/handlers/orders-worker.ts', {
    env: { ...env, EXAMPLES_ROOT: folder },
  })
  const settled = /^tidemill_jobs_settled_total\{type="order.process",outcome="ack",queue="[^"]+"\} 300$/m
  const metrics = async () => (await fetch(`http://127.0.0.1:${worker.httpPort}/metrics`)).text()
  await waitFor('all are done', async () => settled.test(await metrics()), { timeoutMs: 60_000, everyMs: 200 })
  worker.signal('SIGTERM')
  assert.deepEqual(await worker.exit(), { code: 0, signal: null })
  await waitFor('the exporter shows an empty queue', ready(0), { everyMs: 200 })
  const last = await exporter.scrape()
  assert.deepEqual([figureIn(last, 'dead'), figureIn(last, 'waiting'), figureIn(last, 'suspects')], [0, 0, 0])
  exporter.child.kill('SIGTERM')
  assert.deepEqual(await once(exporter.child, 'exit'), [0, null])
})

test('a queue that can not be read is no figure at all, least of all 0, and an error counted', async (t) => {
  const broker = await sharedBroker()
  const { scrape } = await startExporter(t, envOf(broker, 'no-such-queue'))
  const text = await scrape()
  assert.equal(figureIn(text, 'ready'), undefined)
  assert.equal(figureIn(text, 'read_errors_total'), 1)
})

test('a job for a queue that is not there is refused, and the exit code is 1', async () => {
  const broker = await sharedBroker()
  const { code, stdout, stderr } = await tidemill(['enqueue', 'a', '{}'], { env: envOf(broker, 'no-such-queue') })
  assert.deepEqual([code, stdout], [1, ''])
  assert.match(stderr, /no-such-queue/)
})
