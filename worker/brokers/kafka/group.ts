import type { Broker, Cluster } from 'kafkajs'
import { assign, type TopicPartition } from './assignment.ts'
import type { Client } from './client.ts'
import { clusterOf } from './cluster.ts'
import { NoLeaderError, typeOf } from './faults.ts'
import { assignmentOf, byTopic, joinerOf, PROTOCOL, partitionsIn, subscriptionOf } from './subscription.ts'

export interface GroupOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly metadataMaxAgeMs: number
}

/** What the group has committed of one partition. */
export interface Committed extends TopicPartition {
  /** Undefined where nothing was ever committed. */
  readonly position: number | undefined
  readonly metadata: string | null
}

/** One commit of one partition. */
export interface PartitionCommit extends TopicPartition {
  readonly position: number
  readonly metadata: string
}

/** How far the rejoining has come: a commit of another epoch is refused by the broker. */
export interface Epoch {
  readonly memberId: string
  readonly generation: number
}

/** Given with a commit, it keeps the time that the broker is set to. */
const BROKERS_RETENTION = -1

/**
 * Membership of a consumer group: join, heartbeat, commit, leave, each when it is told to. kafkajs's own consumer
 * joins again by itself, and then commits of the old assignment go out as if they were of the new one.
 */
export class Group {
  readonly #options: GroupOptions
  readonly #open: () => Client
  #client: Client
  #cluster: Cluster
  #coordinator: Broker | undefined
  #memberId = ''
  #generation = -1
  #owned: readonly TopicPartition[] = []
  /** How many partitions each topic had at the last join. */
  #known = new Map<string, number>()

  /** `open` makes a client; it is called again when connections have to be made anew. */
  constructor(open: () => Client, options: GroupOptions) {
    this.#options = options
    this.#open = open
    this.#client = open()
    this.#cluster = clusterOf(this.#client, options.groupId, options.metadataMaxAgeMs)
  }

  /** Of the last join, whatever became of it. */
  get epoch(): Epoch {
    return { memberId: this.#memberId, generation: this.#generation }
  }

  get isMember(): boolean {
    return this.#memberId !== ''
  }

  /** Connects, and returns the topics that are not there. */
  async connect(): Promise<readonly string[]> {
    await this.#cluster.connect()
    const missing: string[] = []
    for (const topic of this.#options.topics) {
      await this.#cluster.addTargetTopic(topic).catch((error) => {
        if (typeOf(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
        missing.push(topic)
      })
    }
    return missing
  }

  /** Drops all connections; the next call opens them anew, with credentials and certificates as they are then. */
  renew(): void {
    this.disconnect()
    this.#client = this.#open()
    this.#cluster = clusterOf(this.#client, this.#options.groupId, this.#options.metadataMaxAgeMs)
  }

  /** Ends all connections at once; nobody waits for what a broker still owes. */
  disconnect(): void {
    this.#coordinator = undefined
    this.#cluster.disconnect().catch(() => undefined)
    this.#client.destroy()
  }

  /** Learns of moved leaders and added partitions: at once, or when what is known has become old. */
  async refresh(isUrgent: boolean): Promise<void> {
    if (isUrgent) await this.#cluster.refreshMetadata()
    else await this.#cluster.refreshMetadataIfNecessary()
  }

  /** The brokers to fetch from, with the partitions that each leads. */
  leaders<P extends TopicPartition>(partitions: readonly P[]): Map<string, P[]> {
    const leaders = new Map<string, P[]>()
    for (const one of partitions) {
      const metadata = this.#cluster.findTopicPartitionMetadata(one.topic)
      const leader = metadata.find(({ partitionId }) => partitionId === one.partition)?.leader
      if (leader === undefined || leader < 0) continue
      const led = leaders.get(String(leader))
      if (led === undefined) leaders.set(String(leader), [one])
      else led.push(one)
    }
    return leaders
  }

  broker(nodeId: string): Promise<Broker> {
    return this.#cluster.findBroker({ nodeId })
  }

  /** Partitions of a topic, by what is known now. */
  partitionsOf(topic: string): number[] {
    return this.#cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId)
  }

  /** True when a topic has more partitions than at the last join. */
  get hasGrown(): boolean {
    return this.#options.topics.some((topic) => this.partitionsOf(topic).length > (this.#known.get(topic) ?? 0))
  }

  /** Joins, or joins again, and returns what is assigned. Waits for all other members to join too. */
  async join(): Promise<readonly TopicPartition[]> {
    const { groupId, topics, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const coordinator = (await this.#find()) as unknown as CoordinatorInside
    const joined = await coordinator.joinGroup({
      groupId,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: rebalanceTimeoutMs,
      memberId: this.#memberId,
      groupProtocols: [{ name: PROTOCOL, metadata: subscriptionOf(topics, this.#owned, this.#generation) }],
    })
    this.#memberId = joined.memberId
    this.#generation = joined.generationId
    const isLeader = joined.leaderId === joined.memberId
    const { memberAssignment } = await coordinator.syncGroup({
      groupId,
      generationId: joined.generationId,
      memberId: joined.memberId,
      groupAssignment: isLeader ? await this.#assign(joined.members) : [],
    })
    this.#owned = partitionsIn(memberAssignment)
    // Who shared out may know of partitions that were added since this member looked.
    if (!this.#owned.every((one) => this.partitionsOf(one.topic).includes(one.partition))) {
      await this.refresh(true).catch(() => undefined)
    }
    this.#known = new Map(topics.map((topic) => [topic, this.partitionsOf(topic).length]))
    return this.#owned
  }

  async heartbeat(): Promise<void> {
    const { groupId } = this.#options
    const coordinator = (await this.#find()) as unknown as CoordinatorInside
    await coordinator.heartbeat({ groupId, memberId: this.#memberId, groupGenerationId: this.#generation })
  }

  /** Commits in the name of `epoch`. Rejects where the group has gone on since. */
  async commit(commits: readonly PartitionCommit[], { memberId, generation }: Epoch): Promise<void> {
    const { groupId } = this.#options
    const coordinator = await this.#find()
    await coordinator.offsetCommit({
      groupId,
      memberId,
      groupGenerationId: generation,
      retentionTime: BROKERS_RETENTION,
      topics: byTopic(commits, ({ partition, position, metadata }) => ({
        partition,
        offset: String(position),
        metadata,
      })),
    })
  }

  async committed(partitions: readonly TopicPartition[]): Promise<Committed[]> {
    if (partitions.length === 0) return []
    const { groupId } = this.#options
    const coordinator = await this.#find()
    const topics = byTopic(partitions, ({ partition }) => ({ partition, offset: '' }))
    const { responses } = await coordinator.offsetFetch({ groupId, topics })
    return responses.flatMap(({ topic, partitions: answers }) =>
      answers.map((answer) => {
        const { partition, offset, metadata = null } = answer as typeof answer & { metadata?: string | null }
        return { topic, partition, position: Number(offset) < 0 ? undefined : Number(offset), metadata }
      }),
    )
  }

  /** Where the log of each partition begins or ends. Rejects with `NoLeaderError` where nobody is known who could say it. */
  async edges(
    partitions: readonly TopicPartition[],
    edge: 'earliest' | 'latest',
  ): Promise<Map<TopicPartition, number>> {
    if (partitions.length === 0) return new Map()
    const asked = byTopic(partitions, ({ partition }) => ({ partition })).map((topic) => ({
      ...topic,
      fromBeginning: edge === 'earliest',
    }))
    const answers = await this.#cluster.fetchTopicsOffset(asked)
    return new Map(
      partitions.map((one) => {
        const found = answers
          .find(({ topic }) => topic === one.topic)
          ?.partitions.find(({ partition }) => partition === one.partition)
        if (found === undefined) throw new NoLeaderError(one)
        return [one, Number(found.offset)]
      }),
    )
  }

  /** Looks for the coordinator anew at the next call. */
  forgetCoordinator(): void {
    this.#coordinator = undefined
  }

  /** The group has gone on without this member: it joins as a new one. */
  forgetMembership(): void {
    this.#memberId = ''
    this.#generation = -1
    this.#owned = []
  }

  /** Tells the group, so that nobody waits for the session to run out. */
  async leave(): Promise<void> {
    if (!this.isMember) return
    const { groupId } = this.#options
    const memberId = this.#memberId
    this.forgetMembership()
    await ((await this.#find()) as unknown as CoordinatorInside).leaveGroup({ groupId, memberId })
  }

  async #find(): Promise<Broker> {
    if (this.#coordinator?.isConnected() !== true) {
      this.#coordinator = await this.#cluster.findGroupCoordinator({ groupId: this.#options.groupId })
    }
    return this.#coordinator
  }

  /** The leader's part: who gets what. */
  async #assign(members: readonly { memberId: string; memberMetadata: Buffer }[]) {
    const joiners = members.map(joinerOf)
    const topics = [...new Set(joiners.flatMap((joiner) => joiner.topics))]
    // During a deploy others may know of topics that this worker does not.
    await this.#cluster.addMultipleTargetTopics(topics).catch(() => undefined)
    await this.#cluster.refreshMetadata()
    const shares = assign(joiners, new Map(topics.map((topic) => [topic, this.partitionsOf(topic)])))
    return [...shares].map(([memberId, partitions]) => ({ memberId, memberAssignment: assignmentOf(partitions) }))
  }
}

/** What kafkajs's brokers have besides what its types say. */
interface CoordinatorInside {
  joinGroup(request: {
    groupId: string
    sessionTimeout: number
    rebalanceTimeout: number
    memberId: string
    groupProtocols: { name: string; metadata: Buffer }[]
  }): Promise<{
    generationId: number
    leaderId: string
    memberId: string
    members: { memberId: string; memberMetadata: Buffer }[]
  }>
  syncGroup(request: {
    groupId: string
    generationId: number
    memberId: string
    groupAssignment: { memberId: string; memberAssignment: Buffer }[]
  }): Promise<{ memberAssignment: Buffer }>
  heartbeat(request: { groupId: string; memberId: string; groupGenerationId: number }): Promise<void>
  leaveGroup(request: { groupId: string; memberId: string }): Promise<void>
}
