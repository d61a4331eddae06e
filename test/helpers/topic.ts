import type { TestContext } from 'node:test'
import kafkajs, { type Admin, type Kafka } from 'kafkajs'
import { groupOf, type Topics, topicsOf } from '../../worker/brokers/kafka/names.ts'
import { resolveBrokerSettings } from '../../worker/config.ts'
import type { BrokerSettings } from '../../worker/contracts.ts'
import { uniqueName } from './queue.ts'
import { waitFor } from './wait.ts'

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

/** Makes a topic of two partitions, a short retry ladder and a dead-letter topic; all of it is deleted with `t.after`, the group too when no member is left. */
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
  const topics = topicsOf(settings.queue, settings.retryLadderMs)
  const kafka = kafkaAt(broker.url)
  const admin = await adminOf(t, kafka)
  await admin.createTopics({
    topics: [topics.work, topics.dead, ...topics.retries.values()].map((topic) => ({
      topic,
      numPartitions: settings.topicPartitions,
    })),
    // It gives up when a topic is not seen at once.
    waitForLeaders: false,
  })
  // Kafka tells who leads a partition before that one knows.
  for (const topic of [topics.work, topics.dead, ...topics.retries.values()]) await ledTopic(admin, topic)
  const group = groupOf(settings)
  t.after(() => remove(broker.url, topics, group))
  return { queue: settings.queue, settings, topics, group, kafka, admin }
}

/** Waits until every partition of a topic answers. */
async function ledTopic(admin: Admin, topic: string): Promise<void> {
  await waitFor(`the partitions of ${topic} are led`, () =>
    admin.fetchTopicOffsets(topic).then(
      () => true,
      () => false,
    ),
  )
}

/** A client of kafkajs's own, silent and quick to try again. */
export function kafkaAt(url: string, retries = 10): Kafka {
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

/** Through a connection of its own: the test may have broken the one that it had. */
async function remove(url: string, { work, dead, retries }: Topics, group: string): Promise<void> {
  const admin = kafkaAt(url, 1).admin()
  try {
    await admin.connect()
    const there = await admin.listTopics()
    const ours = [work, dead, ...retries.values()].filter((topic) => there.includes(topic))
    if (ours.length > 0) await admin.deleteTopics({ topics: ours })
    await admin.deleteGroups([group])
  } catch {
    // A broker of the test's own may be dead, and its data go with it; a group with members is left: a killed worker
    // is one until its session's timeout.
  } finally {
    await admin.disconnect()
  }
}
