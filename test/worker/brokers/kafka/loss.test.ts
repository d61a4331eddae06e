import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { KafkaBacklog } from '../../../../worker/brokers/kafka/backlog.ts'
import { openClient } from '../../../../worker/brokers/kafka/client.ts'
import { Group } from '../../../../worker/brokers/kafka/group.ts'
import { Member } from '../../../../worker/brokers/kafka/member.ts'
import { KafkaTopology } from '../../../../worker/brokers/kafka/topology.ts'
import type { WorkerEvent } from '../../../../worker/contracts.ts'
import { eventually, unlessUnreadable, withCode, within } from '../../../conformance/harness.ts'
import { proxiedKafka } from '../../../helpers/kafka.ts'
import { copyOf, numbers, roomFor, topicIn, valuesIn } from './room.ts'

/** A Kafka of this file's own, which it may kill, behind a proxy that can fail. */
const lossy = proxiedKafka({ after })

test('a cut connection loses nothing: what was not confirmed is sent again', async (t) => {
  const { proxy, url, kafka } = await lossy
  const room = await roomFor(t, {}, kafka.url)
  const topic = await topicIn(room, 3)
  const publisher = room.publisher({ brokerUrl: url })
  await within('the confirm', publisher.publish(copyOf(topic, 'first')))
  for (let round = 0; round < 5; round++) {
    const sent = numbers(200).map((value) => publisher.publish(copyOf(topic, `${round}-${value}`)))
    proxy.cut()
    await within('the confirms', Promise.all(sent))
  }
  const found = new Set(await valuesIn(room.hands, topic))
  assert.equal(found.size, 1_001)
})

test('a broker that does not answer is given up at the deadline, and taken back when it answers', async (t) => {
  const { proxy, url, kafka } = await lossy
  const room = await roomFor(t, {}, kafka.url)
  const topic = await topicIn(room)
  const publisher = room.publisher({ brokerUrl: url, confirmTimeoutMs: 1_000, connectTimeoutMs: 500 }, 1_000)
  await within('the confirm', publisher.publish(copyOf(topic, 'first')))
  proxy.blackhole('down')
  const answers = await within(
    'the answers',
    Promise.allSettled([publisher.publish(copyOf(topic, 'a')), publisher.publish(copyOf(topic, 'b'))]),
  )
  for (const answer of answers) withCode('CONFIRM_TIMEOUT')((answer as PromiseRejectedResult).reason)
  await assert.rejects(within('the answer', publisher.publish(copyOf(topic, 'c'))), withCode('CONNECTION_LOST'))
  proxy.heal()
  await eventually('a writable publisher', () => publisher.writable, Boolean)
  await within('the confirm', publisher.publish(copyOf(topic, 'd')))
  // Whether the unanswered ones were stored nobody knew.
  assert.deepEqual([...new Set(await valuesIn(room.hands, topic))], ['first', 'a', 'b', 'd'])
})

test('a member whose group goes on before it hears its share has lost what it had, and joins again', async (t) => {
  const { proxy, url, kafka } = await lossy
  const room = await roomFor(t, {}, kafka.url)
  const { admin } = room.hands
  const topic = await topicIn(room, 2)
  const groupAt = (brokerUrl: string) => {
    const options = { groupId: topic, topics: [topic], sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 }
    const group = new Group(() => openClient({ ...room.settings, brokerUrl }), { ...options, metadataMaxAgeMs: 60_000 })
    room.defer(() => group.disconnect())
    return group
  }
  const isIn = (state: string) =>
    eventually(
      `a group that is ${state}`,
      () => admin.describeGroups([topic]),
      ({ groups }) => groups[0]?.state === state,
    )
  const told: string[] = []
  const nothing = () => undefined
  const member = new Member({
    group: groupAt(url),
    sessionTimeoutMs: 10_000,
    edgeOf: () => 'earliest',
    hooks: {
      handOver: async () => void told.push('hand over'),
      assigned: (partitions, isContinuous) => {
        told.push(isContinuous ? 'assigned on' : 'assigned')
        return isContinuous ? [] : partitions
      },
      lost: () => void told.push('lost'),
      failed: (error) => void told.push(error.message),
      wanted: () => [],
      lastsMs: () => Number.POSITIVE_INFINITY,
      started: nothing,
      fetched: nothing,
      outOfRange: nothing,
      missing: nothing,
      connected: nothing,
      disconnected: nothing,
    },
  })
  room.defer(() => member.leave(5_000))
  member.open()
  await eventually(
    'an assignment',
    () => told,
    (all) => all.includes('assigned'),
  )
  const [second, third] = [groupAt(kafka.url), groupAt(kafka.url)]
  await Promise.all([second.connect(), third.connect()])
  const refused = assert.rejects(second.join(), /rebalancing/)
  await isIn('PreparingRebalance')
  // Long enough for a third one to come before the shares of two are there.
  proxy.delay(300)
  room.defer(() => proxy.heal())
  await isIn('CompletingRebalance')
  const joined = third.join()
  await refused
  await second.leave()
  await within('the third to be a member', joined)
  await eventually(
    'an assignment',
    () => told,
    (all) => all.at(-1) === 'assigned' && all.length > 1,
  )
  proxy.heal()
  assert.deepEqual(told, ['assigned', 'hand over', 'lost', 'hand over', 'assigned'])
})

test('a broker that is killed and started again has every record that was confirmed, and the publisher comes back by itself', async (t) => {
  const { kafka } = await lossy
  const room = await roomFor(t, {}, kafka.url)
  const topic = await topicIn(room, 2)
  const publisher = room.publisher({ confirmTimeoutMs: 60_000 }, 60_000)
  await within('the confirm', publisher.publish(copyOf(topic, 'before')))
  await kafka.kill()
  const sent = Promise.all(numbers(100).map((value) => publisher.publish(copyOf(topic, value))))
  const isLost = (event: WorkerEvent) => event.name === 'connection' && event.status !== 'connected'
  await eventually('a word of the loss', () => room.events.some(isLost), Boolean)
  await kafka.start()
  await sent
  const found = () => valuesIn(room.hands, topic).catch((): string[] => [])
  await eventually('the records', found, (values) => new Set(values).size === 101 && values.includes('before'))
})

test('while the broker is away every reading rejects in time; then it is the one before', async (t) => {
  const { kafka } = await lossy
  const room = await roomFor(t, {}, kafka.url)
  await within('the topology', new KafkaTopology(room.settings).apply())
  const backlog = new KafkaBacklog({ ...room.settings, connectTimeoutMs: 2_000 })
  room.defer(() => within('the backlog to close', backlog.close()))
  await Promise.all(numbers(7).map((value) => room.hands.publish(copyOf(room.settings.queue, value))))
  const reading = () => within('the reading', backlog.read())
  assert.equal((await reading()).ready, 7)
  await kafka.kill()
  for (let round = 0; round < 2; round++) await assert.rejects(reading(), withCode('BACKLOG_UNREADABLE'))
  await kafka.start()
  await eventually(
    'the reading',
    () => reading().catch(unlessUnreadable),
    ({ ready }) => ready === 7,
  )
})
