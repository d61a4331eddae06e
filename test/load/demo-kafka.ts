import { type Client, openClient } from '../../worker/brokers/kafka/client.ts'
import { HEADER, topicsOf } from '../../worker/brokers/kafka/names.ts'
import { resolveBrokerSettings } from '../../worker/config.ts'
import type { TopologyItem } from '../../worker/contracts.ts'
import type { DemoRoom } from './demo-room.ts'
import { readTopic } from './topic-reader.ts'

/** A queue of the demo on Kafka: a few topics, and the group of its workers, which is named as the queue. */
export class KafkaRoom implements DemoRoom {
  readonly #client: Client
  readonly #queue: string

  constructor(url: string, queue: string) {
    this.#client = openClient(resolveBrokerSettings({ brokerUrl: url, queue }))
    this.#queue = queue
  }

  async deadIds(): Promise<string[]> {
    const letters = await readTopic(this.#client, topicsOf(this.#queue, []).dead)
    return letters.map(({ headers }) => String(headers?.[HEADER.id]))
  }

  async remove(items: readonly TopologyItem[]): Promise<void> {
    const admin = this.#client.admin()
    await admin.connect()
    try {
      const there = new Set(await admin.listTopics())
      const topics = items.filter(({ kind, name }) => kind === 'topic' && there.has(name)).map(({ name }) => name)
      if (topics.length > 0) await admin.deleteTopics({ topics })
      // A worker that was killed is a member until its session's timeout: the broker then forgets the group by itself.
      await admin.deleteGroups([this.#queue]).catch(() => undefined)
    } finally {
      await admin.disconnect()
    }
  }
}
