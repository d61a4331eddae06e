import type { Admin, Broker, BrokerMetadata, Cluster } from 'kafkajs'
import encodeMetadata from 'kafkajs/src/protocol/requests/metadata/v6/request.js'
import metadataResponse from 'kafkajs/src/protocol/requests/metadata/v6/response.js'
import type { BrokerSettings } from '../../contracts.ts'
import { TidemillError } from '../../errors.ts'
import { settledWithin, within } from '../waiting.ts'
import { ask } from './ask.ts'
import { type Client, openClient } from './client.ts'
import { clusterOf } from './cluster.ts'

/** What the brokers know of one topic. */
export interface TopicState {
  /** 0, or an error code of the protocol: the topic is not there, may not be seen, or has no leaders yet. */
  readonly error: number
  /** The leader of each partition by its number; -1 where there is none now. */
  readonly leaders: readonly number[]
  /** The partitions that have a leader. */
  readonly led: readonly number[]
}

/** What kafkajs's clusters have besides what its types say. */
interface ClusterInside extends Cluster {
  readonly brokerPool: {
    readonly metadata: BrokerMetadata | null
    createBroker(options: object): Broker
  }
}

/** Connections to the brokers of a cluster, with what they say of topics and leaders, from the first to the end. */
export class Directory {
  readonly peer: string
  /** Resolves with why the directory is of no more use. */
  readonly lost: Promise<unknown>
  readonly #client: Client
  readonly #cluster: ClusterInside
  readonly #topics = new Set<string>()
  #lose: (reason: unknown) => void = () => {}
  #known: BrokerMetadata | null = null
  #states = new Map<string, TopicState>()

  private constructor(client: Client, cluster: ClusterInside) {
    this.#client = client
    this.#cluster = cluster
    this.peer = client.peer
    this.lost = new Promise((resolve) => {
      this.#lose = resolve
    })
  }

  /** Connects to any broker of the URL, within `connectTimeoutMs` over all. */
  static async open(settings: BrokerSettings, cancel?: AbortSignal): Promise<Directory> {
    const client = openClient(settings)
    const cluster = clusterOf(client, settings.queue, settings.metadataMaxAgeMs) as ClusterInside
    tolerate(cluster, settings.connectTimeoutMs)
    const { promise: cancelled, reject } = Promise.withResolvers<never>()
    const onCancel = (): void => reject(new TidemillError('CLOSED', 'closed while connecting'))
    cancel?.addEventListener('abort', onCancel, { once: true })
    if (cancel?.aborted) onCancel()
    try {
      const connecting = Promise.race([cluster.connect(), cancelled])
      await within(connecting, settings.connectTimeoutMs, `a broker at ${client.peer}`)
      return new Directory(client, cluster)
    } catch (error) {
      client.destroy()
      throw error
    } finally {
      cancel?.removeEventListener('abort', onCancel)
    }
  }

  /** Learns of topics that it does not know or that were not there, and of all that it knows when that has become old, or `isUrgent`. */
  async look(topics: readonly string[], isUrgent: boolean): Promise<void> {
    const isNew = topics.some((topic) => !this.#topics.has(topic))
    for (const topic of topics) this.#topics.add(topic)
    if (isNew) await this.#cluster.addMultipleTargetTopics([...topics])
    const isDue = isUrgent || topics.some((topic) => this.stateOf(topic)?.error !== 0)
    if (isDue && !isNew) await this.#cluster.refreshMetadata()
    else await this.#cluster.refreshMetadataIfNecessary()
  }

  /** What was seen of a topic when it was last looked at; undefined before. */
  stateOf(topic: string): TopicState | undefined {
    const { metadata } = this.#cluster.brokerPool
    if (metadata !== this.#known) {
      this.#known = metadata
      this.#states = new Map(metadata?.topicMetadata.map((about) => [about.topic, stateOf(about)]))
    }
    return this.#states.get(topic)
  }

  /** How many brokers there are. */
  get brokers(): number {
    return this.#cluster.brokerPool.metadata?.brokers.length ?? 0
  }

  /** For what needs more than topics and leaders. */
  get cluster(): Cluster {
    return this.#cluster
  }

  /** For what needs more rights, on connections of its own that end with the directory. Not yet connected. */
  admin(): Admin {
    return this.#client.admin()
  }

  /** A connected broker. Rejects where it can't be reached. */
  broker(nodeId: number): Promise<Broker> {
    return this.#cluster.findBroker({ nodeId: String(nodeId) })
  }

  /** Ends all connections at once. */
  fail(reason: unknown): void {
    this.#lose(reason)
    this.#client.destroy()
  }

  /** Lets what is under way end, within `timeoutMs`, and disconnects. Never rejects. */
  async close(timeoutMs: number): Promise<void> {
    await settledWithin(this.#cluster.disconnect(), timeoutMs)
    this.fail(undefined)
  }
}

/** kafkajs throws away all that brokers say of topics because of one that is not there, or of one partition without a leader. */
function tolerate({ brokerPool }: ClusterInside, timeoutMs: number): void {
  const create = brokerPool.createBroker
  brokerPool.createBroker = (options) => {
    const broker = create(options)
    broker.metadata = (topics) => {
      const request = encodeMetadata({ topics, allowAutoTopicCreation: false })
      return ask(broker, request, metadataResponse.decode, timeoutMs)
    }
    return broker
  }
}

function stateOf({ topicErrorCode, partitionMetadata }: BrokerMetadata['topicMetadata'][number]): TopicState {
  const leaders: number[] = new Array(partitionMetadata.length).fill(-1)
  for (const { partitionId, leader } of partitionMetadata) leaders[partitionId] = leader
  const led = [...leaders.keys()].filter((partition) => leaders[partition]! >= 0)
  return { error: topicErrorCode, leaders, led }
}
