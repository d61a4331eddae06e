import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharedKafka } from './helpers/kafka.ts'
import { adminOf, topicFor } from './helpers/topic.ts'
import { KafkaHands } from './load/kafka-hands.ts'

test('a topic is read to its end, all partitions of it, as often as one likes', async (t) => {
  const { queue, settings, kafka, admin } = await topicFor(t, await sharedKafka())
  const hands = await KafkaHands.open(settings)
  t.after(() => hands.close())
  assert.deepEqual(await hands.read(queue), [])
  const producer = kafka.producer()
  t.after(() => producer.disconnect())
  await producer.connect()
  const values = Array.from({ length: 500 }, (_, index) => `job-${index}`)
  await producer.send({ topic: queue, messages: values.map((value, index) => ({ value, partition: index % 2 })) })
  // What was deleted is no part of it any more. kafkajs does not look for the leader itself.
  await admin.fetchTopicMetadata({ topics: [queue] })
  await admin.deleteTopicRecords({ topic: queue, partitions: [{ partition: 0, offset: '10' }] })
  const expected = values.filter((_, index) => index % 2 === 1 || index >= 20).sort()
  for (const time of ['first', 'second']) {
    const read = (await hands.read(queue)).map(({ value }) => String(value))
    assert.deepEqual(read.sort(), expected, time)
  }
  const rest = await hands.stored(queue, new Map([[1, 240]]))
  assert.deepEqual([rest.length, new Set(rest.map(({ partition }) => partition)).size], [240 + 10, 2])
})

test('what belongs to a queue is removed, also the group of a member that was never heard of again', async (t) => {
  const { queue, settings, kafka, group } = await topicFor(t, await sharedKafka())
  const consumer = kafka.consumer({ groupId: group, allowAutoTopicCreation: false })
  t.after(() => consumer.disconnect())
  await consumer.connect()
  await consumer.subscribe({ topics: [queue] })
  const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve))
  await consumer.run({ eachMessage: async () => undefined })
  await joined
  const hands = await KafkaHands.open(settings)
  t.after(() => hands.close())
  await hands.delete()
  // An admin that knows nothing yet: kafkajs asks again and again for the topics that it knew.
  const after = await adminOf(t, kafka)
  const { groups } = await after.listGroups()
  const names = [...(await after.listTopics()), ...groups.map(({ groupId }) => groupId)]
  assert.deepEqual(
    names.filter((name) => name.startsWith(queue)),
    [],
  )
})
