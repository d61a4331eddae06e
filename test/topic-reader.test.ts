import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharedKafka } from './helpers/kafka.ts'
import { topicFor } from './helpers/topic.ts'
import { readTopic } from './load/topic-reader.ts'

test('a topic is read to its end, all partitions of it, and the reader leaves no group behind', async (t) => {
  const { topics, kafka, admin } = await topicFor(t, await sharedKafka())
  assert.deepEqual(await readTopic(kafka, topics.dead), [])
  const producer = kafka.producer()
  t.after(() => producer.disconnect())
  await producer.connect()
  const values = Array.from({ length: 500 }, (_, index) => `job-${index}`)
  const messages = values.map((value, index) => ({ value, partition: index % 2 }))
  await producer.send({ topic: topics.dead, messages })
  // What was deleted is no part of it any more.
  await admin.deleteTopicRecords({ topic: topics.dead, partitions: [{ partition: 0, offset: '10' }] }).catch((e) => {
    console.log(e.partitions[0].error)
    throw e
  })
  const expected = values.filter((_, index) => index % 2 === 1 || index >= 20)
  const read = async () => (await readTopic(kafka, topics.dead)).map(({ value }) => String(value)).sort()
  assert.deepEqual(await read(), expected.toSorted())
  assert.deepEqual(await read(), expected.toSorted(), 'a second time as well')
  const { groups } = await admin.listGroups()
  assert.deepEqual(
    groups.filter(({ groupId }) => groupId.startsWith(topics.dead)),
    [],
  )
})
