import { setTimeout as pause } from 'node:timers/promises'
import type { Admin, Broker } from 'kafkajs'
import type { Copy } from '../../worker/brokers/kafka/copy.ts'
import { Directory } from '../../worker/brokers/kafka/directory.ts'
import { fetchFrom } from '../../worker/brokers/kafka/fetch.ts'
import { edgesOf } from '../../worker/brokers/kafka/logs.ts'
import { groupOf, topicsOf } from '../../worker/brokers/kafka/names.ts'
import { Publisher } from '../../worker/brokers/kafka/publisher.ts'
import type { LogRecord } from '../../worker/brokers/kafka/record.ts'
import type { BrokerSettings } from '../../worker/contracts.ts'

const FETCH_BYTES = 4 * 1024 * 1024
const LED_TIMEOUT_MS = 15_000
const POLL_MS = 20

/** What kafkajs's brokers have besides what its types say. */
interface CoordinatorInside extends Broker {
  leaveGroup(request: { groupId: string; memberId: string }): Promise<void>
}

/** A record where it lies. */
export interface Stored {
  readonly topic: string
  readonly partition: number
  readonly record: LogRecord
}

/** An offset in each partition. */
export type Positions = ReadonlyMap<number, number>

/** For what a test or a load does to the topics of a queue behind the worker's back. */
export class KafkaHands {
  /** Connected. */
  readonly admin: Admin
  readonly #settings: BrokerSettings
  readonly #directory: Directory
  readonly #publisher: Publisher

  private constructor(settings: BrokerSettings, directory: Directory, admin: Admin) {
    this.#settings = settings
    this.#directory = directory
    this.admin = admin
    this.#publisher = new Publisher({ settings, observe: () => undefined, patienceMs: 10_000 })
  }

  static async open(settings: BrokerSettings): Promise<KafkaHands> {
    const directory = await Directory.open(settings)
    const admin = directory.admin()
    await admin.connect()
    return new KafkaHands(settings, directory, admin)
  }

  /** Makes a topic; resolves when all its partitions are led, and their leaders know. */
  async make(topic: string, numPartitions = 1, configs: Readonly<Record<string, string>> = {}): Promise<void> {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    await this.admin.createTopics({ topics: [{ topic, numPartitions, configEntries }], waitForLeaders: false })
    const deadline = performance.now() + LED_TIMEOUT_MS
    for (;;) {
      await this.#directory.look([topic], true)
      try {
        await edgesOf(this.#directory, [topic], 'latest')
        return
      } catch (error) {
        if (performance.now() > deadline) throw error
      }
      await pause(POLL_MS)
    }
  }

  /** Resolves when the record is there. */
  publish(copy: Copy): Promise<void> {
    return this.#publisher.publish(copy)
  }

  /** All that a topic holds now, partition by partition. */
  async read(topic: string): Promise<LogRecord[]> {
    return (await this.stored(topic)).map(({ record }) => record)
  }

  /** As `read`, with each record's place; from an offset on, where one is given. */
  async stored(topic: string, from: Positions = new Map()): Promise<Stored[]> {
    await this.#directory.look([topic], true)
    const [starts, ends] = [
      await edgesOf(this.#directory, [topic], 'earliest'),
      await edgesOf(this.#directory, [topic], 'latest'),
    ]
    const found: Stored[] = []
    for (const [partition, end] of ends(topic).entries()) {
      const broker = await this.#directory.broker(this.#directory.stateOf(topic)!.leaders[partition]!)
      const start = Math.max(starts(topic)[partition]!, from.get(partition) ?? 0)
      for (let offset = start; offset < end; ) {
        const wanted = [{ topic, partition, offset, maxBytes: FETCH_BYTES }]
        const [answer] = await fetchFrom(broker, wanted, { maxWaitMs: 1_000, maxBytes: FETCH_BYTES })
        // A fetch begins with the whole batch that its offset is in.
        for (const batch of answer!.batches) {
          for (let record = batch.next(); record !== undefined; record = batch.next()) {
            if (record.offset >= offset) found.push({ topic, partition, record })
          }
        }
        offset = answer!.end ?? end
      }
    }
    return found
  }

  /** Commits for the queue's group, which must have no members. */
  async commit(topic: string, partition: number, position: number, metadata: string): Promise<void> {
    const groupId = groupOf(this.#settings)
    const coordinator = (await this.#directory.cluster.findGroupCoordinator({ groupId })) as CoordinatorInside
    const partitions = [{ partition, offset: String(position), metadata }]
    await coordinator.offsetCommit({ groupId, groupGenerationId: -1, memberId: '', topics: [{ topic, partitions }] })
  }

  /** Deletes the records of a partition below an offset. */
  async deleteBelow(topic: string, partition: number, offset: number): Promise<void> {
    // kafkajs does not look for the leader itself.
    await this.admin.fetchTopicMetadata({ topics: [topic] })
    await this.admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] })
  }

  /** Sends every member of the queue's group away, as if its session had run out. */
  async expelAll(): Promise<void> {
    const groupId = groupOf(this.#settings)
    const { groups } = await this.admin.describeGroups([groupId])
    const coordinator = (await this.#directory.cluster.findGroupCoordinator({ groupId })) as CoordinatorInside
    for (const { memberId } of groups[0]?.members ?? []) await coordinator.leaveGroup({ groupId, memberId })
  }

  /**
   * Deletes the queue's topics, or some of them; with its work topic also its group, whose members are sent away before.
   * @param chosen default: all of them
   */
  async delete(chosen: readonly string[] = this.#topics()): Promise<void> {
    const there = new Set(await this.admin.listTopics())
    const topics = chosen.filter((topic) => there.has(topic))
    if (topics.length > 0) await this.admin.deleteTopics({ topics })
    if (!chosen.includes(this.#topics()[0]!)) return
    await this.expelAll()
    // A group that never was, or of which a member has joined again: the broker forgets it by itself.
    await this.admin.deleteGroups([groupOf(this.#settings)]).catch(() => undefined)
  }

  /** Deletes all that belongs to the queue, as far as its broker is still there, and disconnects. */
  async remove(): Promise<void> {
    // A broker of the test's own may have gone before, with all that it held.
    await this.delete().catch(() => undefined)
    await this.close()
  }

  /** The work topic first. */
  #topics(): string[] {
    const { work, dead, retries } = topicsOf(this.#settings.queue, this.#settings.retryLadderMs)
    return [work, dead, ...retries.values()]
  }

  async close(): Promise<void> {
    await this.#publisher.close(1_000)
    await this.admin.disconnect()
    await this.#directory.close(1_000)
  }
}
