import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Header } from '../../../../worker/brokers/kafka/headers.ts'
import { eventually, withCode, within } from '../../../conformance/harness.ts'
import { copyOf, numbers, roomFor, topicIn, valuesIn } from './room.ts'

test('what is asked for at once arrives once each, in order for each key', async (t) => {
  const room = await roomFor(t)
  const topic = await topicIn(room, 4)
  const publisher = room.publisher()
  const all = numbers(5_000)
  const sent = all.map((value) => publisher.publish(copyOf(topic, value, `key-${Number(value) % 7}`)))
  await within('the confirms', Promise.all(sent))
  const records = await room.hands.read(topic)
  assert.equal(records.length, 5_000)
  for (let key = 0; key < 7; key++) {
    const values = records.filter((record) => String(record.key) === `key-${key}`).map(({ value }) => String(value))
    assert.deepEqual(
      values,
      all.filter((value) => Number(value) % 7 === key),
    )
  }
})

test('a record is stored byte by byte: a missing value, headers without one, that come again, or with hostile names', async (t) => {
  const room = await roomFor(t)
  const topic = await topicIn(room)
  const invalid = Buffer.from([0xff, 0, 0xfe])
  const headers: Header[] = [
    ['b', null],
    ['a', invalid],
    ['b', Buffer.from('again')],
    ['__proto__', Buffer.from('x')],
    ['', Buffer.alloc(0)],
  ]
  const publisher = room.publisher()
  await within('the confirm', publisher.publish({ topic, key: invalid, value: null, headers }))
  await within('the confirm', publisher.publish({ topic, key: Buffer.alloc(0), value: Buffer.alloc(0), headers: [] }))
  const [first, second] = await room.hands.read(topic)
  assert.deepEqual([first!.key, first!.value, first!.headers], [invalid, null, headers])
  assert.deepEqual([second!.key, second!.value, second!.headers], [Buffer.alloc(0), Buffer.alloc(0), []])
})

test('a record that is too large is refused, and its neighbours are stored once each, in order', async (t) => {
  const room = await roomFor(t)
  const topic = await topicIn(room, 1, { 'max.message.bytes': '2000' })
  const publisher = room.publisher()
  const values = numbers(500).map((value) => (value === '300' ? 'x'.repeat(3_000) : value.padStart(100)))
  const answers = await within(
    'the answers',
    Promise.allSettled(values.map((value) => publisher.publish(copyOf(topic, value)))),
  )
  const rejected = answers.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
  assert.equal(rejected.length, 1)
  assert.equal(answers[300]!.status, 'rejected')
  withCode('REFUSED')(rejected[0]!.reason)
  assert.match(String(rejected[0]!.reason), /MESSAGE_TOO_LARGE/)
  assert.deepEqual(
    await valuesIn(room.hands, topic),
    values.filter((_, index) => index !== 300),
  )
})

test('a record that the topic does not take for another reason is refused alone', async (t) => {
  const room = await roomFor(t)
  const topic = await topicIn(room, 1, { 'cleanup.policy': 'compact' })
  const publisher = room.publisher()
  const answers = await within(
    'the answers',
    Promise.allSettled(
      numbers(50).map((value) => publisher.publish(copyOf(topic, value, value === '20' ? null : value))),
    ),
  )
  const at = answers.findIndex(({ status }) => status === 'rejected')
  assert.deepEqual([at, answers.filter(({ status }) => status === 'rejected').length], [20, 1])
  withCode('REFUSED')((answers[20] as PromiseRejectedResult).reason)
  assert.equal((await room.hands.read(topic)).length, 49)
})

test('a topic that is not there takes nothing from its neighbours, and is found when it was made or gone when it was deleted', async (t) => {
  const room = await roomFor(t, { metadataMaxAgeMs: 3_600_000 })
  const topic = await topicIn(room)
  const missing = `${topic}.dead`
  const publisher = room.publisher()
  const [good, bad] = await within(
    'the answers',
    Promise.allSettled([publisher.publish(copyOf(topic, 'a')), publisher.publish(copyOf(missing, 'b'))]),
  )
  assert.equal(good.status, 'fulfilled')
  withCode('UNROUTABLE')((bad as PromiseRejectedResult).reason)
  await room.hands.make(missing)
  await within('the confirm', publisher.publish(copyOf(missing, 'c')))
  await room.hands.admin.deleteTopics({ topics: [missing] })
  await assert.rejects(within('the answer', publisher.publish(copyOf(missing, 'd'))), withCode('UNROUTABLE'))
  await within('the confirm', publisher.publish(copyOf(topic, 'e')))
  assert.deepEqual(await valuesIn(room.hands, topic), ['a', 'e'])
})

test('partitions that were added are used', async (t) => {
  const room = await roomFor(t, { metadataMaxAgeMs: 1_000 })
  const topic = await topicIn(room)
  const publisher = room.publisher()
  await within('the confirm', publisher.publish(copyOf(topic, 'a')))
  await room.hands.admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
  const ends = async () => {
    await publisher.publish(copyOf(topic, 'b'))
    // The leaders of the new ones may not know of it yet.
    return await room.hands.admin.fetchTopicOffsets(topic).catch(() => [])
  }
  const isFull = (offsets: { high: string }[]) => offsets.filter(({ high }) => high !== '0').length === 3
  await eventually('records in all partitions', ends, isFull)
})

test('close waits for what is under way', async (t) => {
  const room = await roomFor(t)
  const topic = await topicIn(room)
  const publisher = room.publisher()
  await within('the confirm', publisher.publish(copyOf(topic, 'first')))
  const sent = Promise.all(numbers(100).map((value) => publisher.publish(copyOf(topic, value))))
  await within('the publisher to close', publisher.close(5_000))
  await within('the confirms', sent)
  assert.equal((await room.hands.read(topic)).length, 101)
})
