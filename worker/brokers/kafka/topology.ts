import kafkajs, { type Admin } from 'kafkajs'
import type { BrokerSettings, Topology, TopologyFault, TopologyItem } from '../../contracts.ts'
import { messageOf, TidemillError } from '../../errors.ts'
import { Pause, within } from '../waiting.ts'
import { Directory, type TopicState } from './directory.ts'
import { edgesOf } from './logs.ts'
import { itemOf, ORDINARY, planOf, type TopicPlan } from './plan.ts'

const LOOK_AGAIN_MS = 50
const CONFIGS = ['cleanup.policy', 'max.message.bytes', 'retention.ms']

type Configs = ReadonlyMap<string, ReadonlyMap<string, string>>

/** Creates and checks the topics of a queue, on a connection for each call. */
export class KafkaTopology implements Topology {
  readonly #settings: BrokerSettings

  constructor(settings: BrokerSettings) {
    this.#settings = settings
  }

  /** Needs no broker: shows what a cluster of three brokers or more would get. */
  print(): Promise<readonly TopologyItem[]> {
    return Promise.resolve(planOf(this.#settings, ORDINARY).map(itemOf))
  }

  /** Creates what is missing, and adds partitions where more are asked for. */
  async apply(): Promise<readonly TopologyItem[]> {
    return await this.#survey(async ({ directory, admin, plan, configs }) => {
      const conflicts: string[] = []
      for (const part of plan) {
        const state = directory.stateOf(part.topic)
        const conflict = conflictOf(part, state, configs.get(part.topic))
        if (conflict !== undefined) conflicts.push(`topic ${part.topic}: ${conflict}`)
      }
      if (conflicts.length === 0) conflicts.push(...(await this.#make(directory, admin, plan)))
      if (conflicts.length > 0) {
        const list = conflicts.map((conflict) => `  - ${conflict}`).join('\n')
        throw new TidemillError('TOPOLOGY_CONFLICT', `the topics can't be set up:\n${list}`)
      }
      await this.#untilLed(directory, plan)
      return plan.map(itemOf)
    })
  }

  /** Asks for no more than to describe the topics. Their configuration is looked at where that is allowed, and else taken to be right. */
  async verify(): Promise<readonly TopologyFault[]> {
    return await this.#survey(async ({ directory, plan, configs }) =>
      plan.flatMap((part) => {
        const state = directory.stateOf(part.topic)
        const got = isMissing(state) ? 'nothing of that name' : faultOf(part, state, configs.get(part.topic))
        if (got === undefined) return []
        return [{ kind: 'topic' as const, name: part.topic, expected: `a topic that ${part.purpose}`, got }]
      }),
    )
  }

  /** Nothing to do: every call has closed its connection. */
  async close(): Promise<void> {}

  async #survey<T>(
    use: (found: { directory: Directory; admin: Admin; plan: readonly TopicPlan[]; configs: Configs }) => Promise<T>,
  ): Promise<T> {
    const { connectTimeoutMs, closeTimeoutMs } = this.#settings
    const directory = await Directory.open(this.#settings)
    const admin = directory.admin()
    try {
      const topics = planOf(this.#settings, ORDINARY).map(({ topic }) => topic)
      await within(directory.look(topics, true), connectTimeoutMs, 'an answer about the topics')
      await within(admin.connect(), connectTimeoutMs, 'a connection')
      const there = topics.filter((topic) => !isMissing(directory.stateOf(topic)))
      const configs = await within(configsOf(admin, there), connectTimeoutMs, 'the configuration of the topics')
      const known = configs.get(this.#settings.queue)?.get('max.message.bytes')
      const maxMessageBytes = known === undefined ? ORDINARY.maxMessageBytes : Number(known)
      return await use({
        directory,
        admin,
        configs,
        plan: planOf(this.#settings, { brokers: directory.brokers, maxMessageBytes }),
      })
    } finally {
      await within(admin.disconnect(), closeTimeoutMs, 'an end').catch(() => undefined)
      await directory.close(closeTimeoutMs)
    }
  }

  /** Returns what the broker refuses. */
  async #make(directory: Directory, admin: Admin, plan: readonly TopicPlan[]): Promise<string[]> {
    const refusals: string[] = []
    for (const part of plan) {
      const state = directory.stateOf(part.topic)
      const isNew = isMissing(state)
      if (!isNew && state!.leaders.length >= part.partitions) continue
      const change = isNew ? create(admin, part) : grow(admin, part)
      await within(change, this.#settings.connectTimeoutMs, `topic ${part.topic}`).catch((error) => {
        const [type, text] = reasonOf(error)
        // Somebody else was faster.
        if (isNew && type === 'TOPIC_ALREADY_EXISTS') return
        refusals.push(`topic ${part.topic}: expected ${JSON.stringify(itemOf(part).settings)}, got ${text}`)
      })
    }
    return refusals
  }

  /** Kafka tells who leads a partition that was made a moment ago before that one knows. */
  async #untilLed(directory: Directory, plan: readonly TopicPlan[]): Promise<void> {
    const { connectTimeoutMs } = this.#settings
    const deadline = performance.now() + connectTimeoutMs
    const topics = plan.map(({ topic }) => topic)
    const isWhole = ({ topic, partitions }: TopicPlan) => (directory.stateOf(topic)?.leaders.length ?? 0) >= partitions
    const pause = new Pause()
    for (;;) {
      await within(directory.look(topics, true), connectTimeoutMs, 'an answer about the topics')
      const isLed = edgesOf(directory, topics, 'latest').then(
        () => true,
        () => false,
      )
      if (plan.every(isWhole) && (await within(isLed, connectTimeoutMs, 'an answer of the leaders'))) return
      if (performance.now() > deadline) {
        const message = `expected all partitions to be led within ${connectTimeoutMs} ms, got some that are not`
        throw new TidemillError('CONNECT_TIMEOUT', message)
      }
      await pause.wait(LOOK_AGAIN_MS)
    }
  }
}

function isMissing(state: TopicState | undefined): boolean {
  return state === undefined || state.error === UNKNOWN_TOPIC
}

const UNKNOWN_TOPIC = 3

/** What is wrong with a topic that is there; undefined where nothing is. */
function faultOf(part: TopicPlan, state: TopicState | undefined, configs: ReadonlyMap<string, string> | undefined) {
  if (state === undefined || state.error !== 0) return undefined
  const { length } = state.leaders
  if (length < part.partitions)
    return `${length === 1 ? '1 partition' : `${length} partitions`}, fewer than ${part.partitions}`
  return conflictOf(part, state, configs)
}

/** What `apply` can't put right. */
function conflictOf(
  { partitions, isExact, judge }: TopicPlan,
  state: TopicState | undefined,
  configs: ReadonlyMap<string, string> = new Map(),
): string | undefined {
  if (state === undefined || isMissing(state)) return undefined
  const { length } = state.leaders
  if (isExact && length > partitions) {
    return `expected ${partitions} partitions (topicPartitions), got ${length}, and Kafka can't take partitions away`
  }
  return judge(configs)
}

/** Nothing of topics whose configuration this user may not see. */
async function configsOf(admin: Admin, topics: readonly string[]): Promise<Configs> {
  const found = new Map<string, ReadonlyMap<string, string>>()
  if (topics.length === 0) return found
  const resources = topics.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name, configNames: CONFIGS }))
  try {
    const answer = await admin.describeConfigs({ includeSynonyms: false, resources })
    for (const { resourceName, configEntries } of answer.resources) {
      found.set(resourceName, new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])))
    }
  } catch (error) {
    if (!reasonOf(error)[0].includes('AUTHORIZATION')) throw error
  }
  return found
}

async function create(admin: Admin, { topic, partitions, replicationFactor, configs }: TopicPlan): Promise<void> {
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
  await admin.createTopics({
    topics: [{ topic, numPartitions: partitions, replicationFactor, configEntries }],
    waitForLeaders: false,
  })
}

async function grow(admin: Admin, { topic, partitions }: TopicPlan): Promise<void> {
  await admin.createPartitions({ topicPartitions: [{ topic, count: partitions }] })
}

/** The protocol's name of what the broker refused with, and its words. kafkajs wraps one error for each topic in another. */
function reasonOf(error: unknown): [type: string, text: string] {
  const [first] = (error as { errors?: readonly unknown[] }).errors ?? []
  const one = (first ?? error) as { readonly type?: string }
  return [String(one.type ?? ''), messageOf(one)]
}

/** A topic that is not there. */
export function missingTopic(name: string): TopologyFault {
  return { kind: 'topic', name, expected: 'a topic', got: 'none' }
}
