import assert from 'node:assert/strict'
import { test } from 'node:test'
import kafkajs from 'kafkajs'
import { ORDINARY, planOf } from '../../../../worker/brokers/kafka/plan.ts'
import { KafkaTopology } from '../../../../worker/brokers/kafka/topology.ts'
import type { TopologyItem } from '../../../../worker/contracts.ts'
import { SETTINGS, withCode, within } from '../../../conformance/harness.ts'
import { type KafkaRoom, roomFor } from './room.ts'

const settingsOf = (more = {}) => ({ ...SETTINGS, brokerUrl: 'kafka://h', queue: 'jobs', ...more })

const partitionsOf = (items: readonly TopologyItem[]) =>
  Object.fromEntries(items.map(({ name, settings }) => [name, settings['partitions']]))

async function partitionsIn({ hands, settings: { queue } }: KafkaRoom): Promise<Record<string, number>> {
  const names = (await hands.admin.listTopics()).filter((name) => name.startsWith(queue))
  const { topics } = await hands.admin.fetchTopicMetadata({ topics: names })
  return Object.fromEntries(topics.map(({ name, partitions }) => [name.slice(queue.length), partitions.length]))
}

async function configsOf({ hands }: KafkaRoom, name: string): Promise<Record<string, string>> {
  const { resources } = await hands.admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name }],
  })
  return Object.fromEntries(resources[0]!.configEntries.map(({ configName, configValue }) => [configName, configValue]))
}

test('print needs no broker: retries get one partition for four of the jobs, dead letters one, on three brokers', async () => {
  const items = await new KafkaTopology(settingsOf({ topicPartitions: 12, retryLadderMs: [1_000, 60_000] })).print()
  assert.deepEqual(partitionsOf(items), { jobs: 12, 'jobs.dead': 1, 'jobs.retry.1000': 3, 'jobs.retry.60000': 3 })
  for (const { kind, settings } of items) {
    assert.deepEqual([kind, settings['replicationFactor'], settings['min.insync.replicas']], ['topic', 3, '2'])
  }
  const few = await new KafkaTopology(settingsOf({ topicPartitions: 3, replicationFactor: 2 })).print()
  assert.deepEqual(partitionsOf(few), { jobs: 3, 'jobs.dead': 1, 'jobs.retry.100': 1 })
  assert.equal(few[0]!.settings['min.insync.replicas'], '1')
})

test('retries outlive their delay, dead letters everything, and both take a record that the jobs took', () => {
  const month = 30 * 24 * 3_600_000
  const plans = planOf(settingsOf({ retryLadderMs: [month] }), { brokers: 1, maxMessageBytes: 5_000_000 })
  const [work, dead, retry] = plans.map(({ configs }) => configs)
  assert.equal(work!['retention.ms'], undefined)
  assert.equal(dead!['retention.ms'], '-1')
  assert.ok(Number(retry!['retention.ms']) > month)
  for (const copies of [dead, retry]) {
    assert.deepEqual([copies!['retention.bytes'], copies!['cleanup.policy']], ['-1', 'delete'])
    assert.ok(Number(copies!['max.message.bytes']) > 5_000_000)
  }
})

test('apply makes what print says, adds partitions when more are asked for, and verify names the difference', async (t) => {
  const room = await roomFor(t, { topicPartitions: 4 })
  const { queue } = room.settings
  const topology = new KafkaTopology(room.settings)
  const applied = await within('the topology', topology.apply())
  assert.deepEqual(applied, await topology.print())
  assert.deepEqual(await partitionsIn(room), { '': 4, '.dead': 1, '.retry.100': 1 })
  for (const { name, settings } of applied) {
    const { partitions: _, replicationFactor: __, ...configs } = settings
    const found = await configsOf(room, name)
    assert.deepEqual(Object.fromEntries(Object.keys(configs).map((key) => [key, found[key]])), configs)
  }
  const larger = new KafkaTopology({ ...room.settings, topicPartitions: 8 })
  assert.deepEqual(
    (await within('the faults', larger.verify())).map(({ name, got }) => [name, got]),
    [
      [queue, '4 partitions, fewer than 8'],
      [`${queue}.retry.100`, '1 partition, fewer than 2'],
    ],
  )
  await within('the topology', larger.apply())
  assert.deepEqual(await partitionsIn(room), { '': 8, '.dead': 1, '.retry.100': 2 })
  assert.deepEqual(await within('the faults', larger.verify()), [])
})

test('fewer partitions than there are is a conflict, and nothing is changed', async (t) => {
  const room = await roomFor(t, { topicPartitions: 4 })
  await within('the topology', new KafkaTopology(room.settings).apply())
  const smaller = new KafkaTopology({ ...room.settings, topicPartitions: 2, retryLadderMs: [7] })
  await assert.rejects(within('the conflict', smaller.apply()), (error: Error) => {
    withCode('TOPOLOGY_CONFLICT')(error)
    assert.match(error.message, /expected 2 partitions \(topicPartitions\), got 4/)
    return true
  })
  assert.deepEqual(await partitionsIn(room), { '': 4, '.dead': 1, '.retry.100': 1 })
})

const UNFIT: readonly (readonly [title: string, topic: string, config: [string, string], words: RegExp])[] = [
  ['a compacted work topic', '', ['cleanup.policy', 'compact'], /cleanup.policy: expected delete, got compact/],
  ['dead letters that expire', '.dead', ['retention.ms', '1000'], /retention.ms: expected -1 \(for ever\), got 1000/],
  ['retries that expire first', '.retry.100', ['retention.ms', '100'], /retention.ms: expected more than 100, got 100/],
  ['dead letters of a small size', '.dead', ['max.message.bytes', '1000'], /max.message.bytes: expected at least/],
]

for (const [title, suffix, [name, value], words] of UNFIT) {
  test(`${title}: verify and apply name what was expected and what is there`, async (t) => {
    const room = await roomFor(t)
    const topic = `${room.settings.queue}${suffix}`
    await room.hands.make(topic, 1, { [name]: value })
    const topology = new KafkaTopology(room.settings)
    const faults = await within('the faults', topology.verify())
    assert.match(faults.find((fault) => fault.name === topic)!.got, words)
    await assert.rejects(within('the conflict', topology.apply()), (error: Error) => {
      return withCode('TOPOLOGY_CONFLICT')(error) && words.test(error.message) && error.message.includes(topic)
    })
  })
}

test('more replicas than there are brokers is a conflict that the broker names', async (t) => {
  const room = await roomFor(t, { replicationFactor: 3 })
  const applying = new KafkaTopology(room.settings).apply()
  await assert.rejects(within('the conflict', applying), (error: Error) => {
    return withCode('TOPOLOGY_CONFLICT')(error) && /replication/i.test(error.message)
  })
})

test('without a broker apply and verify say so in time', async () => {
  const topology = new KafkaTopology(settingsOf({ brokerUrl: 'kafka://127.0.0.1:1', connectTimeoutMs: 2_000 }))
  await assert.rejects(within('the answer', topology.apply()))
  await assert.rejects(within('the answer', topology.verify()))
  assert.ok(planOf(settingsOf(), ORDINARY).length > 0)
})
