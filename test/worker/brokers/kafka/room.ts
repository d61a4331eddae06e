import type { TestContext } from 'node:test'
import type { Copy } from '../../../../worker/brokers/kafka/copy.ts'
import { Publisher } from '../../../../worker/brokers/kafka/publisher.ts'
import type { BrokerSettings, WorkerEvent } from '../../../../worker/contracts.ts'
import { deferrer, SETTINGS } from '../../../conformance/harness.ts'
import { sharedKafka } from '../../../helpers/kafka.ts'
import { uniqueName } from '../../../helpers/queue.ts'
import { KafkaHands } from '../../../load/kafka-hands.ts'

/** A queue of a test's own on a real Kafka. */
export interface KafkaRoom {
  readonly settings: BrokerSettings
  readonly hands: KafkaHands
  /** What was told by all that the room has made. */
  readonly events: WorkerEvent[]
  /** Closed with the test. */
  publisher(more?: Partial<BrokerSettings>, patienceMs?: number): Publisher
  defer(undo: () => unknown): void
}

/** Without topics of its own until the test makes them; those of the queue are removed with it. `url`: another than the shared one. */
export async function roomFor(
  t: TestContext,
  overrides: Partial<BrokerSettings> = {},
  url?: string,
): Promise<KafkaRoom> {
  const brokerUrl = url ?? (await sharedKafka()).url
  const settings = { ...SETTINGS, replicationFactor: 1, queue: uniqueName('kafka'), brokerUrl, ...overrides }
  const events: WorkerEvent[] = []
  const defer = deferrer(t)
  const hands = await KafkaHands.open(settings)
  defer(() => hands.remove())
  return {
    settings,
    hands,
    events,
    publisher(more = {}, patienceMs = 10_000) {
      const observe = (event: WorkerEvent): void => void events.push(event)
      const publisher = new Publisher({ settings: { ...settings, ...more }, observe, patienceMs })
      defer(() => publisher.close(5_000))
      return publisher
    },
    defer,
  }
}

/** A record with this value. */
export function copyOf(topic: string, value: string, key: string | null = null): Copy {
  return { topic, key: key === null ? null : Buffer.from(key), value: Buffer.from(value), headers: [] }
}

/** Makes the work topic. */
export async function topicIn(
  { hands, settings }: KafkaRoom,
  numPartitions = 1,
  configs: Readonly<Record<string, string>> = {},
): Promise<string> {
  await hands.make(settings.queue, numPartitions, configs)
  return settings.queue
}

/** The values of all records of a topic, as text. */
export async function valuesIn(hands: KafkaHands, topic: string): Promise<string[]> {
  return (await hands.read(topic)).map(({ value }) => String(value))
}

/** `0`, `1`, and so on. */
export function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index))
}
