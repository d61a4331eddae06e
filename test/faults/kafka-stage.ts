import type { TestContext } from 'node:test'
import kafkajs, { type Admin, type IHeaders } from 'kafkajs'
import type { Copy } from '../../worker/brokers/kafka/copy.ts'
import { textOf } from '../../worker/brokers/kafka/headers.ts'
import { HEADER } from '../../worker/brokers/kafka/names.ts'
import type { BrokerSettings } from '../../worker/contracts.ts'
import { type TestTopic, topicFor } from '../helpers/topic.ts'
import { KafkaHands, type Positions } from '../load/kafka-hands.ts'
import type { Ledger } from '../load/ledger.ts'
import { COMMITS_TOPIC, commitsOf } from './commit-log.ts'
import { breachesOf, type Commit } from './commit-oracle.ts'
import { type EpochVerdict, foreignCommitsOf } from './epoch-oracle.ts'
import { GOOD } from './hostile.ts'
import { idOf, QueueRecords, textsOf } from './queue-records.ts'
import type { DeadLetter, Stage } from './stage.ts'
import type { Traffic } from './wiretap.ts'

/** A Kafka to work on. */
export interface StageBroker {
  readonly url: string
  /** What its workers and it say to each other, where somebody listens. */
  readonly wiretap?: Traffic
}

/** A job as somebody else than tidemill would send it. */
export interface ForeignJob {
  readonly id: string
  /** Default: as the key has it. */
  readonly partition?: number
  readonly key?: Buffer | null
  /** Default: a good job's. */
  readonly value?: Buffer | null
  readonly headers?: IHeaders
}

/** A topic of Kafka with its retries and dead letters, worked on by one group, all of whose commits are looked through, on the wire as well where it is tapped. */
export class KafkaStage implements Stage {
  readonly url: string
  readonly made: TestTopic
  /** Where the log of commits ended before the first of this group. */
  readonly #from: Positions
  readonly #wiretap: Traffic | undefined

  /** By default a topic of four partitions. */
  static async open(t: TestContext, broker: StageBroker, overrides: Partial<BrokerSettings> = {}): Promise<KafkaStage> {
    const made = await topicFor(t, broker, { topicPartitions: 4, ...overrides })
    return new KafkaStage(broker, made, await commitsEnd(made.admin))
  }

  private constructor({ url, wiretap }: StageBroker, made: TestTopic, from: Positions) {
    this.url = url
    this.made = made
    this.#from = from
    this.#wiretap = wiretap
  }

  get queue(): string {
    return this.made.queue
  }

  async countDead(): Promise<number> {
    const offsets = await this.made.admin.fetchTopicOffsets(this.made.topics.dead)
    return offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0)
  }

  async takeDead(): Promise<DeadLetter[]> {
    const { topics, settings } = this.made
    const letters = await this.#withHands((hands) => hands.stored(topics.dead))
    return letters.map((letter) => {
      const { value, headers } = letter.record
      return {
        id: idOf(letter),
        type: textOf(headers, settings.typeHeader) ?? '',
        body: value ?? Buffer.alloc(0),
        headers: textsOf(headers),
      }
    })
  }

  async left(): Promise<string[]> {
    const { admin, group } = this.made
    const committed = await admin.fetchOffsets({ groupId: group, topics: this.#worked })
    const left: string[] = []
    for (const { topic, partitions } of committed) {
      const known = new Map(partitions.map(({ partition, offset }) => [partition, Number(offset)]))
      for (const { partition, high, low } of await admin.fetchTopicOffsets(topic)) {
        const lag = Number(high) - Math.max(known.get(partition) ?? 0, Number(low))
        if (lag > 0) left.push(`${lag} in ${topic.slice(this.queue.length) || 'the work topic'}[${partition}]`)
      }
    }
    return left
  }

  async breaches(ledger: Ledger): Promise<string[]> {
    const [commits, records] = await Promise.all([this.commits(), this.records()])
    if (commits.length === 0) return ['nothing was ever committed']
    const onWire = this.#wiretap === undefined ? [] : this.epochs().breaches
    return [...onWire, ...breachesOf(commits, records.places(ledger))]
  }

  /** Who committed what until now, as the wire has it. @throws Error where nobody listens */
  epochs(): EpochVerdict {
    if (this.#wiretap === undefined)
      throw new Error('expected a Kafka whose connections are tapped, got one that is not')
    return foreignCommitsOf(this.made.group, this.#wiretap)
  }

  /** Every commit of the group, in the order in which the broker took them. */
  async commits(): Promise<Commit[]> {
    const records = await this.#withHands((hands) => hands.stored(COMMITS_TOPIC, this.#from))
    return commitsOf(this.made.group, records)
  }

  /** Sends jobs as others would, by kafkajs. Returns their ids. */
  async send(jobs: readonly ForeignJob[], compression = kafkajs.CompressionTypes.None): Promise<string[]> {
    const producer = this.made.kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
    await producer.connect()
    // One by one: what goes to several partitions at once is all sent again when one of them refuses.
    for (const [partition, some] of Map.groupBy(jobs, (job) => job.partition)) {
      await producer.send({
        topic: this.made.topics.work,
        acks: -1,
        compression,
        messages: some.map(({ id, key = null, value = GOOD, headers }) => ({
          key,
          value,
          ...(partition !== undefined && { partition }),
          headers: { [HEADER.id]: id, [this.made.settings.typeHeader]: 'fault.job', ...headers },
        })),
      })
    }
    await producer.disconnect()
    return jobs.map(({ id }) => id)
  }

  /** Sends a job to each of so many partitions, which ends when the gate is open. Returns their ids. */
  sendGated(partitions: number): Promise<string[]> {
    const value = Buffer.from('{"ms":0,"mood":"gated"}')
    return this.send(
      Array.from({ length: partitions }, (_, partition) => ({ id: `long-${partition}`, partition, value })),
    )
  }

  /** Sends a record as it is. */
  async publish(record: Omit<Copy, 'topic'>): Promise<void> {
    await this.#withHands((hands) => hands.publish({ topic: this.made.topics.work, ...record }))
  }

  /** All that lies in the topics now. */
  async records(): Promise<QueueRecords> {
    const { work, retries, dead } = this.made.topics
    return this.#withHands(async (hands) => {
      const waiting = await Promise.all([...retries.values()].map((topic) => hands.stored(topic)))
      return new QueueRecords(await hands.stored(work), waiting.flat(), await hands.stored(dead))
    })
  }

  get #worked(): string[] {
    const { work, retries } = this.made.topics
    return [work, ...retries.values()]
  }

  /** With connections of their own: the fault may have taken those that were there. */
  async #withHands<T>(use: (hands: KafkaHands) => Promise<T>): Promise<T> {
    const hands = await KafkaHands.open(this.made.settings)
    try {
      return await use(hands)
    } finally {
      await hands.close()
    }
  }
}

async function commitsEnd(admin: Admin): Promise<Positions> {
  // Kafka makes it for its first group.
  if (!(await admin.listTopics()).includes(COMMITS_TOPIC)) return new Map()
  const ends = await admin.fetchTopicOffsets(COMMITS_TOPIC)
  return new Map(ends.map(({ partition, high }) => [partition, Number(high)]))
}
