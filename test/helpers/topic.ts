import type { TestContext } from 'node:test'
import kafkajs, { type Admin, type Kafka } from 'kafkajs'
import { openBroker } from '../../worker/brokers/index.ts'
import { stopIdleTimer } from '../../worker/brokers/kafka/idle-timer.ts'
import { groupOf, type Topics, topicsOf } from '../../worker/brokers/kafka/names.ts'
import { resolveBrokerSettings } from '../../worker/config.ts'
import type { BrokerSettings } from '../../worker/contracts.ts'
import { KafkaHands } from '../load/kafka-hands.ts'
import { uniqueName } from './queue.ts'

/** A topic of a test's own on a real Kafka, with all that belongs to it. */
export interface TestTopic {
  readonly queue: string
  /** Its connection's settings, defaults and all. */
  readonly settings: BrokerSettings
  readonly topics: Topics
  readonly group: string
  /** For what the test does by hand. */
  readonly kafka: Kafka
  /** Connected; disconnected with the test. */
  readonly admin: Admin
}

/** Makes a topic of two partitions, a short retry ladder and a dead-letter topic; all of it is deleted with `t.after`, the group with its members. */
export async function topicFor(
  t: TestContext,
  broker: { readonly url: string },
  overrides: Partial<BrokerSettings> = {},
): Promise<TestTopic> {
  const settings = resolveBrokerSettings({
    queue: uniqueName(),
    retryLadderMs: [200, 1_000],
    topicPartitions: 2,
    ...overrides,
    brokerUrl: broker.url,
  })
  const topology = (await openBroker(settings, () => undefined)).topology()
  await topology.apply()
  await topology.close()
  const topics = topicsOf(settings.queue, settings.retryLadderMs)
  const kafka = kafkaAt(broker.url)
  const admin = await adminOf(t, kafka)
  const group = groupOf(settings)
  t.after(() => remove(settings))
  return { queue: settings.queue, settings, topics, group, kafka, admin }
}

/** A client of kafkajs's own, silent and quick to try again. */
export function kafkaAt(url: string, retries = 10): Kafka {
  stopIdleTimer()
  return new kafkajs.Kafka({
    clientId: 'test',
    brokers: url.slice(url.indexOf('//') + 2).split(','),
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries },
    logLevel: kafkajs.logLevel.NOTHING,
  })
}

/** A connected admin that is disconnected with `t.after`. */
export async function adminOf(t: TestContext, kafka: Kafka): Promise<Admin> {
  const admin = kafka.admin()
  t.after(() => admin.disconnect())
  await admin.connect()
  return admin
}

/** Through connections of its own: the test may have broken those that it had, and a broker of its own may be gone. */
async function remove(settings: BrokerSettings): Promise<void> {
  const hands = await KafkaHands.open({ ...settings, connectTimeoutMs: 2_000 }).catch(() => undefined)
  await hands?.remove()
}
