import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KafkaBacklog } from '../../../../worker/brokers/kafka/backlog.ts'
import { encode, NO_MARKS } from '../../../../worker/brokers/kafka/metadata.ts'
import { KafkaTopology } from '../../../../worker/brokers/kafka/topology.ts'
import type { BrokerSettings } from '../../../../worker/contracts.ts'
import { withCode, within } from '../../../conformance/harness.ts'
import { copyOf, type KafkaRoom, roomFor } from './room.ts'

interface Watched extends KafkaRoom {
  readonly backlog: KafkaBacklog
}

/** A room with its topics and a reader of its backlog. */
async function watched(room: KafkaRoom): Promise<Watched> {
  await within('the topology', new KafkaTopology(room.settings).apply())
  return { ...room, backlog: readerOf(room) }
}

function readerOf(room: KafkaRoom, more: Partial<BrokerSettings> = {}): KafkaBacklog {
  const backlog = new KafkaBacklog({ ...room.settings, ...more })
  room.defer(() => within('the backlog to close', backlog.close()))
  return backlog
}

/** Writes so many records, one behind the other. */
async function fill(room: KafkaRoom, topic: string, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => room.hands.publish(copyOf(topic, String(index)))))
}

function commit({ hands, settings: { queue } }: KafkaRoom, position: number, metadata = '', topic = queue) {
  return hands.commit(topic, 0, position, metadata)
}

test('of a queue that nobody has consumed from all is ready, or nothing where the latest is asked for', async (t) => {
  const room = await watched(await roomFor(t, { topicPartitions: 3 }))
  await fill(room, room.settings.queue, 30)
  const { readAt, partitions, ...reading } = await within('the reading', room.backlog.read())
  assert.deepEqual(reading, {
    queue: room.settings.queue,
    ready: 30,
    unacknowledged: undefined,
    suspects: 0,
    waiting: 0,
    dead: 0,
    consumers: 0,
    published: 30,
    via: 'admin',
  })
  assert.ok(Math.abs(readAt - Date.now()) < 20_000)
  assert.deepEqual(
    partitions?.map(({ partition, ready }) => [partition, ready]),
    [
      [0, 10],
      [1, 10],
      [2, 10],
    ],
  )
  const latest = await within('the reading', readerOf(room, { offsetReset: 'latest' }).read())
  assert.deepEqual([latest.ready, latest.published], [0, 30])
})

test('what is finished beyond the committed offset is not ready', async (t) => {
  const room = await watched(await roomFor(t))
  await fill(room, room.settings.queue, 20)
  const finished = [
    { start: 7, end: 10 },
    { start: 15, end: 16 },
  ]
  await commit(room, 5, encode(5, { finished, marks: NO_MARKS }).text)
  assert.equal((await within('the reading', room.backlog.read())).ready, 11)
  await commit(room, 6, 'somebody else was here')
  assert.equal((await within('the reading', room.backlog.read())).ready, 14)
  await commit(room, 20)
  assert.equal((await within('the reading', room.backlog.read())).ready, 0)
})

test('records that were deleted are not ready, and a commit that the log does not hold counts for nothing', async (t) => {
  const room = await watched(await roomFor(t))
  const { queue } = room.settings
  await fill(room, queue, 20)
  await room.hands.deleteBelow(queue, 0, 8)
  assert.equal((await within('the reading', room.backlog.read())).ready, 12)
  await commit(room, 3)
  assert.equal((await within('the reading', room.backlog.read())).ready, 12)
  await commit(room, 99)
  assert.equal((await within('the reading', room.backlog.read())).ready, 12)
  assert.equal((await within('the reading', readerOf(room, { offsetReset: 'latest' }).read())).ready, 0)
})

test('retries wait and dead letters are counted, whatever is consumed of them', async (t) => {
  const room = await watched(await roomFor(t))
  const { queue } = room.settings
  await fill(room, `${queue}.retry.100`, 4)
  await fill(room, `${queue}.dead`, 3)
  await commit(room, 1, '', `${queue}.retry.100`)
  const { ready, waiting, dead } = await within('the reading', readerOf(room, { offsetReset: 'latest' }).read())
  assert.deepEqual([ready, waiting, dead], [0, 3, 3])
  await room.hands.deleteBelow(`${queue}.dead`, 0, 2)
  assert.equal((await within('the reading', room.backlog.read())).dead, 1)
})

test('a group of another name is read by that name', async (t) => {
  const room = await watched(await roomFor(t))
  await fill(room, room.settings.queue, 5)
  await commit(room, 5)
  assert.equal((await within('the reading', room.backlog.read())).ready, 0)
  assert.equal((await within('the reading', readerOf(room, { consumerGroup: 'another' }).read())).ready, 5)
})

test('a reading that can not be had rejects, also for one missing topic, and comes back by itself', async (t) => {
  const room = await watched(await roomFor(t))
  const backlog = readerOf(room, { retryLadderMs: [100, 777] })
  const reading = () => within('the reading', backlog.read())
  await assert.rejects(
    reading(),
    (error: Error) => withCode('BACKLOG_UNREADABLE')(error) && /retry\.777/.test(error.message),
  )
  await room.hands.make(`${room.settings.queue}.retry.777`)
  room.defer(() => room.hands.admin.deleteTopics({ topics: [`${room.settings.queue}.retry.777`] }))
  assert.equal((await reading()).ready, 0)
})
