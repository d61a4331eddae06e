import { parseHostsUrl } from './broker-url.ts'
import type { BrokerSettings } from './contracts.ts'
import { choice, optionalText, optionalWhole, type Setting, whole } from './setting.ts'

const MINUTE = 60_000
const MIB = 1024 * 1024

/** The settings that only Kafka knows. */
export const KAFKA_SETTINGS = {
  consumerGroup: optionalText(
    /^[\x21-\x7e]{1,255}$/,
    '1 to 255 printable characters',
    "Kafka: the consumer group; without it, the queue's name.",
  ),
  order: choice(
    'key',
    ['key', 'partition', 'none'],
    'Kafka: which jobs run one after the other: those of one key, all of a partition, or none. A retried job leaves its place.',
  ),
  offsetReset: choice(
    'earliest',
    ['earliest', 'latest'],
    'Kafka: where a group without committed offsets begins. `latest` skips what was produced while no worker ran.',
  ),
  saslMechanism: choice(
    'scram-sha-512',
    ['plain', 'scram-sha-256', 'scram-sha-512'],
    'Kafka: how a user name and password are shown to the broker, where there are such. `plain` sends them as they are: use TLS.',
  ),
  sessionTimeoutMs: whole(
    45_000,
    6_000,
    30 * MINUTE,
    'Kafka: a worker that was not heard of for so long has lost its jobs. The broker has bounds of its own.',
  ),
  rebalanceTimeoutMs: whole(
    MINUTE,
    1_000,
    30 * MINUTE,
    'Kafka: how long the group waits for each worker to join again.',
  ),
  handOverMs: whole(
    10_000,
    0,
    30 * MINUTE,
    'Kafka: how long a rebalance waits for running jobs; those still running then go on, unless their partition moves: it runs them again elsewhere.',
  ),
  commitCount: whole(
    5_000,
    1,
    1_000_000,
    'Kafka: no more finished jobs than this are uncommitted, so no more run again after a crash.',
  ),
  commitIntervalMs: whole(500, 10, MINUTE, 'Kafka: finished jobs are committed after this time at the latest.'),
  maxSpan: whole(
    10_000,
    1,
    1_000_000,
    'Kafka: how far past the oldest unfinished record of its partition a job may start.',
  ),
  fetchBytes: whole(8 * MIB, 64 * 1024, 1024 * MIB, 'Kafka: so many bytes are fetched ahead of the jobs that run.'),
  metadataMaxAgeMs: whole(
    MINUTE,
    1_000,
    60 * MINUTE,
    'Kafka: added partitions are found after this time at the latest.',
  ),
  topicPartitions: whole(
    12,
    1,
    10_000,
    "Kafka: how many partitions `topology apply` gives the queue's topic; more workers than that are idle.",
  ),
  replicationFactor: optionalWhole(
    1,
    100,
    'Kafka: how many brokers keep a copy of each topic; without it 3, or as many as there are brokers.',
  ),
} satisfies { readonly [Name in keyof BrokerSettings]?: Setting<BrokerSettings[Name]> }

export const KAFKA_URL = 'kafka:// or kafkas:// (TLS) with brokers as in kafka://user@host:9092,host:9092'

const SCHEME = /^kafkas?:/i

/** True for `kafka://` and, over TLS, `kafkas://`. */
export function isKafkaUrl(url: string): boolean {
  return SCHEME.test(url)
}

/** What was expected, where a URL with such a scheme is not that. */
export function kafkaUrlFault(url: string): string | undefined {
  return parseHostsUrl(url) === undefined ? KAFKA_URL : undefined
}
