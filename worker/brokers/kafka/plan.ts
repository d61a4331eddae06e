import type { BrokerSettings, TopologyItem } from '../../contracts.ts'
import { topicsOf } from './names.ts'

/** One topic: what it is for, how to make it, and what must hold of one that is there. */
export interface TopicPlan {
  readonly topic: string
  readonly purpose: string
  readonly partitions: number
  /** More partitions are as bad as fewer: the user has said how many. */
  readonly isExact: boolean
  readonly replicationFactor: number
  readonly configs: Readonly<Record<string, string>>
  /** What is wrong with the configuration of one that is there; undefined where nothing is. */
  judge(configs: ReadonlyMap<string, string>): string | undefined
}

/** What is known of the cluster. */
export interface Surroundings {
  readonly brokers: number
  /** The largest batch that the work topic takes. */
  readonly maxMessageBytes: number
}

const DAY_MS = 24 * 3_600_000
/** How long a retry is kept beyond its delay while no worker runs: as long as Kafka keeps records by default. */
const RETENTION_MS = 7 * DAY_MS
/** What the headers of a copy may be longer by than those of its original. */
const COPY_BYTES = 64 * 1024
/** A retry topic has one for so many of the work topic. */
const PARTITIONS_A_RETRY = 4
const REPLICAS = 3
const FOREVER = '-1'

/** Where nothing is known: a cluster that can hold three replicas, with Kafka's own limit. */
export const ORDINARY: Surroundings = { brokers: REPLICAS, maxMessageBytes: 1_048_588 }

/**
 * All topics of a queue. Retries and dead letters are never lost by size, and take a record of any size that the work
 * topic takes; dead letters are kept until somebody has handled them. How long jobs are kept is the broker's affair.
 */
export function planOf(settings: BrokerSettings, { brokers, maxMessageBytes }: Surroundings): TopicPlan[] {
  const { work, dead, retries } = topicsOf(settings.queue, settings.retryLadderMs)
  const replicationFactor = settings.replicationFactor ?? Math.min(REPLICAS, Math.max(1, brokers))
  const safety = {
    'cleanup.policy': 'delete',
    // Of three replicas one may be away, and a confirmed record is still on two.
    'min.insync.replicas': String(Math.max(1, Math.min(2, replicationFactor - 1))),
  }
  const copies = { ...safety, 'retention.bytes': FOREVER, 'max.message.bytes': String(maxMessageBytes + COPY_BYTES) }
  const plans: TopicPlan[] = [
    {
      topic: work,
      purpose: 'holds the jobs',
      partitions: settings.topicPartitions,
      isExact: true,
      replicationFactor,
      configs: safety,
      judge: compaction,
    },
    {
      topic: dead,
      purpose: 'holds dead letters, until they are deleted by hand',
      partitions: 1,
      isExact: false,
      replicationFactor,
      configs: { ...copies, 'retention.ms': FOREVER },
      judge: (configs) => compaction(configs) ?? tooSmall(configs, maxMessageBytes) ?? expiry(configs, undefined),
    },
  ]
  for (const [delayMs, topic] of retries) {
    plans.push({
      topic,
      purpose: `holds jobs for ${delayMs} ms before their next try`,
      partitions: Math.max(1, Math.floor(settings.topicPartitions / PARTITIONS_A_RETRY)),
      isExact: false,
      replicationFactor,
      configs: { ...copies, 'retention.ms': String(delayMs + RETENTION_MS) },
      judge: (configs) => compaction(configs) ?? tooSmall(configs, maxMessageBytes) ?? expiry(configs, delayMs),
    })
  }
  return plans
}

export function itemOf({ topic, purpose, partitions, replicationFactor, configs }: TopicPlan): TopologyItem {
  return { kind: 'topic', name: topic, purpose, settings: { partitions, replicationFactor, ...configs } }
}

/** Jobs of one key would replace one another. */
function compaction(configs: ReadonlyMap<string, string>): string | undefined {
  const policy = configs.get('cleanup.policy') ?? 'delete'
  return policy === 'delete' ? undefined : `cleanup.policy: expected delete, got ${policy}`
}

function tooSmall(configs: ReadonlyMap<string, string>, least: number): string | undefined {
  const bytes = Number(configs.get('max.message.bytes') ?? least)
  if (bytes >= least) return undefined
  return `max.message.bytes: expected at least the work topic's, ${least}, got ${bytes}`
}

/** `delayMs`: what records wait for before their turn; undefined: for ever. */
function expiry(configs: ReadonlyMap<string, string>, delayMs: number | undefined): string | undefined {
  const retention = configs.get('retention.ms') ?? FOREVER
  if (retention === FOREVER || (delayMs !== undefined && Number(retention) > delayMs)) return undefined
  return `retention.ms: expected ${delayMs === undefined ? '-1 (for ever)' : `more than ${delayMs}`}, got ${retention}`
}
