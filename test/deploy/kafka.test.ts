import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import kafkajs from 'kafkajs'
import { startMaven } from '../../deploy/local/kafka-node.ts'
import { accepts } from '../../deploy/local/ports.ts'
import { proxiedKafka } from '../helpers/kafka.ts'
import { homesIn, NO_DOCKER, ownTmpdir } from '../helpers/local.ts'
import { waitFor } from '../helpers/wait.ts'

const portOf = (url: string) => Number(url.slice(url.lastIndexOf(':') + 1))

async function clientsOf(t: TestContext, url: string) {
  const kafka = new kafkajs.Kafka({
    brokers: [url.slice('kafka://'.length)],
    retry: { initialRetryTime: 50, maxRetryTime: 200, retries: 20 },
    logLevel: kafkajs.logLevel.NOTHING,
  })
  const [admin, producer] = [kafka.admin(), kafka.producer()]
  t.after(() => Promise.all([admin.disconnect(), producer.disconnect()]))
  await admin.connect()
  await producer.connect()
  return { kafka, admin, producer }
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
