import kafkajs from 'kafkajs'
import { openBroker } from '../../../worker/brokers/index.ts'
import { resolveBrokerSettings } from '../../../worker/config.ts'
import type { BrokerSettings, Topology } from '../../../worker/contracts.ts'
import { JOB_TYPE } from '../scenarios.ts'

const PARTITIONS = 4
const KEYS = 5_000
const BODY_BYTES = 200
const UNCONFIRMED = 20_000

/** The topic of a bout: every run of every contestant reads it from its beginning, as a group of its own. */
export class BenchTopic {
  readonly name: string
  readonly #url: string
  readonly #settings: BrokerSettings
  readonly #groups: string[] = []

  /** Makes the topic with tidemill's topology around it, and fills it with records of 200 bytes as tidemill's producer writes them. */
  static async open(url: string, jobs: number): Promise<BenchTopic> {
    const name = `bench-${process.pid}-${jobs}`
    const settings = resolveBrokerSettings({
      brokerUrl: url,
      queue: name,
      topicPartitions: PARTITIONS,
    })
    const topic = new BenchTopic(name, url, settings)
    await topic.#withTopology((topology) => topology.apply())
    await topic.#fill(jobs)
    return topic
  }

  private constructor(name: string, url: string, settings: BrokerSettings) {
    this.name = name
    this.#url = url
    this.#settings = settings
  }

  /** A group that has not read anything yet. */
  newGroup(): string {
    const group = `${this.name}-${this.#groups.length}`
    this.#groups.push(group)
    return group
  }

  /** Removes the topics and the groups. */
  async remove(): Promise<void> {
    const items = await this.#withTopology((topology) => topology.print())
    const admin = new kafkajs.Kafka({ brokers: hostsOf(this.#url), logLevel: kafkajs.logLevel.NOTHING }).admin()
    await admin.connect()
    await admin.deleteTopics({ topics: items.filter(({ kind }) => kind === 'topic').map((item) => item.name) })
    // One whose members have not yet been missed goes with the broker.
    await admin.deleteGroups(this.#groups).catch(() => undefined)
    await admin.disconnect()
  }

  async #fill(jobs: number): Promise<void> {
    const sink = (await openBroker(this.#settings, () => {})).sink()
    const open: Promise<void>[] = []
    for (let sent = 0; sent < jobs; sent++) {
      const id = `job-${sent}`
      const begin = `{"orderId":"${id}","note":"`
      const body = Buffer.from(`${begin}${'.'.repeat(BODY_BYTES - begin.length - 2)}"}`)
      const about = {
        type: JOB_TYPE,
        contentType: 'application/json',
        key: `key-${sent % KEYS}`,
        enqueuedAt: Date.now(),
      }
      open.push(sink.send({ id, body, ...about }))
      if (open.length === UNCONFIRMED) await Promise.all(open.splice(0))
    }
    await Promise.all(open)
    await sink.close()
  }

  async #withTopology<T>(use: (topology: Topology) => Promise<T>): Promise<T> {
    const topology = (await openBroker(this.#settings, () => {})).topology()
    try {
      return await use(topology)
    } finally {
      await topology.close()
    }
  }
}

/** `kafka://host:port,host:port` to its brokers. */
export function hostsOf(url: string): string[] {
  return url.replace(/^kafka:\/\//, '').split(',')
}
