import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { startMaven } from '../../deploy/local/kafka-node.ts'
import { accepts } from '../../deploy/local/ports.ts'
import { ownKafka, proxiedKafka, sharedKafka } from '../helpers/kafka.ts'
import { homesIn, NO_DOCKER, ownTmpdir } from '../helpers/local.ts'
import { adminOf, kafkaAt, topicFor } from '../helpers/topic.ts'
import { waitFor } from '../helpers/wait.ts'

const portOf = (url: string) => Number(url.slice(url.lastIndexOf(':') + 1))

async function clientsOf(t: TestContext, url: string) {
  const kafka = kafkaAt(url)
  const producer = kafka.producer()
  t.after(() => producer.disconnect())
  await producer.connect()
  return { admin: await adminOf(t, kafka), producer }
}

test('a private Kafka keeps its records over a restart and a kill, and leaves nothing behind', async (t) => {
  const folder = ownTmpdir(t)
  const broker = await startMaven({ install: true, log: t.diagnostic.bind(t), env: NO_DOCKER })
  assert.ok('url' in broker, JSON.stringify(broker))
  t.after(() => broker.stop())
  assert.match(broker.version, /^4\.\d+\.\d+$/)
  assert.deepEqual(
    homesIn(folder).map(({ name }) => name),
    ['java'],
    'the broker runs in the folder',
  )
  const { admin, producer } = await clientsOf(t, broker.url)
  await admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 1 }] })
  const produce = () => producer.send({ topic: 'kept', messages: [{ value: 'x' }] })
  const holds = async (count: number) => {
    assert.deepEqual(await admin.fetchTopicOffsets('kept'), [
      { partition: 0, offset: String(count), high: String(count), low: '0' },
    ])
  }
  await produce()
  await broker.restart()
  await holds(1)
  await produce()
  await broker.kill()
  assert.equal(await accepts(portOf(broker.url)), false, 'killed means killed')
  await broker.start()
  await holds(2)
  assert.match(await broker.logs(), /Kafka Server started/)

  await broker.stop()
  await broker.stop()
  await waitFor('nothing is left', () => homesIn(folder).length === 0)
  assert.deepEqual(readdirSync(folder), [])
})

test('clients of the proxied listener stay behind the proxy, which can cut, swallow and refuse their connections', async (t) => {
  const { kafka, proxy, url } = await proxiedKafka(t)
  const { admin, producer } = await clientsOf(t, url)
  await admin.createTopics({ topics: [{ topic: 'far', numPartitions: 1 }] })
  await producer.send({ topic: 'far', messages: [{ value: 'x' }] })
  assert.equal((await admin.describeCluster()).brokers[0]?.port, proxy.port)
  const before = proxy.accepted
  assert.ok(proxy.cut() > 0)
  await producer.send({ topic: 'far', messages: [{ value: 'x' }] })
  assert.ok(proxy.accepted > before, 'the next connection came through the proxy as well')
  // Others are not concerned.
  proxy.cut({ refuse: true })
  const near = await clientsOf(t, kafka.url)
  assert.deepEqual((await near.admin.fetchTopicOffsets('far'))[0]?.high, '2')
  proxy.heal()
})

test('a Kafka of a test is its own: others do not see its topics', async (t) => {
  const [own, shared] = await Promise.all([ownKafka(t), sharedKafka()])
  const { admin } = await clientsOf(t, own.url)
  await admin.createTopics({ topics: [{ topic: 'of-own', numPartitions: 1 }] })
  const other = await clientsOf(t, shared.url)
  assert.equal((await other.admin.listTopics()).includes('of-own'), false)
})

test('a topic of a test goes with the test, and so does the group that consumed it', async (t) => {
  const broker = await sharedKafka()
  const { admin } = await clientsOf(t, broker.url)
  const names: string[] = []
  await t.test('a test', async (inner) => {
    const { queue, topics, kafka, group } = await topicFor(inner, broker)
    names.push(...(await admin.listTopics()).filter((topic) => topic.startsWith(queue)))
    assert.deepEqual(names.toSorted(), [queue, topics.dead, topics.retry(200), topics.retry(1_000)].toSorted())
    const consumer = kafka.consumer({ groupId: group })
    await consumer.connect()
    await consumer.subscribe({ topics: [queue] })
    const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve))
    await consumer.run({ eachMessage: async () => undefined })
    await joined
    await consumer.disconnect()
    names.push(group)
  })
  await waitFor('nothing of it is there', async () => {
    const { groups } = await admin.listGroups()
    const there = [...(await admin.listTopics()), ...groups.map(({ groupId }) => groupId)]
    return names.every((name) => !there.includes(name))
  })
})
