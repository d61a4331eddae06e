import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { tidemill } from '../helpers/command.ts'
import { figureIn, startExporter } from '../helpers/exporter-process.ts'
import { type SharedKafka, sharedKafka } from '../helpers/kafka.ts'
import { topicFor } from '../helpers/topic.ts'
import { waitFor } from '../helpers/wait.ts'
import { WorkerProcess } from '../helpers/worker-process.ts'

function envOf(broker: SharedKafka, queue: string): Record<string, string> {
  return {
    TIDEMILL_BROKER_URL: broker.url,
    TIDEMILL_QUEUE: queue,
    TIDEMILL_RETRY_LADDER_MS: '200,1000',
    TIDEMILL_TOPIC_PARTITIONS: '2',
  }
}

test('topology verify names a missing topic, apply sets it up, and both are content when all is there', async (t) => {
  const broker = await sharedKafka()
  const { queue, topics, admin } = await topicFor(t, broker)
  const env = envOf(broker, queue)
  const verified = await tidemill(['topology', 'verify'], { env })
  assert.equal(verified.code, 0, verified.stdout)
  await admin.deleteTopics({ topics: [topics.dead] })
  const missing = await waitFor('the topic is gone', async () => {
    const { code, stdout } = await tidemill(['topology', 'verify', '--json'], { env })
    return code === 1 && (JSON.parse(stdout) as { ok: boolean; faults: { name: string }[] })
  })
  assert.deepEqual(
    [missing.ok, missing.faults.map(({ name }) => name)],
    [false, [topics.dead]],
    JSON.stringify(missing.faults),
  )
  const applied = await tidemill(['topology', 'apply'], { env })
  assert.equal(applied.code, 0, applied.stderr)
  assert.match(applied.stdout, new RegExp(`^ {2}topic +${queue}\\.dead `, 'm'))
  assert.equal((await tidemill(['topology', 'verify'], { env })).code, 0)
})

test('topology apply adds partitions, and refuses to take some away with exit code 1', async (t) => {
  const broker = await sharedKafka()
  const { queue, admin } = await topicFor(t, broker)
  const env = envOf(broker, queue)
  const apply = (partitions: number) => tidemill(['topology', 'apply', '--topic-partitions', `${partitions}`], { env })
  const grown = await apply(3)
  assert.equal(grown.code, 0, grown.stderr)
  assert.equal((await admin.fetchTopicOffsets(queue)).length, 3)
  const { code, stderr } = await apply(1)
  assert.equal(code, 1)
  assert.match(stderr, /expected 1 partition.*got 3/)
})

test('topology print needs no Kafka', async () => {
  const { code, stdout } = await tidemill(['topology', 'print', '--broker', 'kafka', '--queue', 'orders', '--json'])
  assert.equal(code, 0)
  const { items } = JSON.parse(stdout) as { items: { kind: string; name: string }[] }
  assert.deepEqual([items[0]?.kind, items[0]?.name], ['topic', 'orders'])
  assert.ok(items.some(({ name }) => name === 'orders.dead'))
})

test('what is enqueued is worked off by a worker, and the exporter shows it from outside', async (t) => {
  const broker = await sharedKafka()
  const { queue } = await topicFor(t, broker)
  const env = envOf(broker, queue)
  const exporter = await startExporter(t, env)
  const enqueued = await tidemill(['enqueue', '--from', 'orders', '--count', '300', '--json'], { env })
  assert.deepEqual(JSON.parse(enqueued.stdout), { ok: true, queue, type: 'order.process', enqueued: 300 })
  const ready = (count: number) => async () => figureIn(await exporter.scrape(), 'ready') === count
  await waitFor('the exporter shows 300 jobs', ready(300), { everyMs: 200 })
  const folder = mkdtempSync(join(tmpdir(), 'tidemill-orders-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const worker = await WorkerProcess.start(t, 'worker/handlers/orders-worker.ts', {
    env: { ...env, EXAMPLES_ROOT: folder },
  })
  await waitFor('the exporter shows an empty queue', ready(0), { timeoutMs: 60_000, everyMs: 200 })
  worker.signal('SIGTERM')
  assert.deepEqual(await worker.exit(), { code: 0, signal: null })
  const last = await exporter.scrape()
  assert.deepEqual([figureIn(last, 'ready'), figureIn(last, 'dead'), figureIn(last, 'waiting')], [0, 0, 0])
  exporter.child.kill('SIGTERM')
  assert.deepEqual(await once(exporter.child, 'exit'), [0, null])
})

test('jobs of one key lie in one partition', async (t) => {
  const broker = await sharedKafka()
  const { queue, admin } = await topicFor(t, broker, { topicPartitions: 4 })
  const stdin = Array.from({ length: 40 }, (_, number) => `{"number":${number}}\n`).join('')
  const args = ['enqueue', 'a', '--from', '-', '--key', 'customer-7']
  const { code, stderr } = await tidemill(args, { env: envOf(broker, queue), stdin })
  assert.equal(code, 0, stderr)
  const ends = (await admin.fetchTopicOffsets(queue)).map(({ high }) => Number(high))
  assert.deepEqual(ends.sort(), [0, 0, 0, 40])
})

test('a topic that can not be read is no figure at all, least of all 0, and an error counted', async (t) => {
  const { scrape } = await startExporter(t, envOf(await sharedKafka(), 'no-such-topic'))
  const text = await scrape()
  assert.equal(figureIn(text, 'ready'), undefined)
  assert.equal(figureIn(text, 'read_errors_total'), 1)
})

test('a job for a topic that is not there is refused, and the exit code is 1', async () => {
  const env = envOf(await sharedKafka(), 'no-such-topic')
  const { code, stdout, stderr } = await tidemill(['enqueue', 'a', '{}'], { env })
  assert.deepEqual([code, stdout], [1, ''])
  assert.match(stderr, /no-such-topic/)
})

test('config shows how many finished jobs may run again after a crash', async () => {
  const { code, stdout } = await tidemill(['config', '--broker', 'kafka', '--queue', 'orders', '--commit-count', '250'])
  assert.equal(code, 0)
  assert.match(stdout, /^ {2}brokerUrl +kafka:\/\/localhost:9092 +flag +TIDEMILL_BROKER_URL$/m)
  assert.match(stdout, /^ {2}commitCount +250 +flag +TIDEMILL_COMMIT_COUNT$/m)
})
