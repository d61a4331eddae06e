import * as z from 'zod/mini'
import type { BrokerSettings } from './contracts.ts'
import {
  choice,
  decimal,
  optionalPath,
  optionalText,
  optionalWhole,
  requiredText,
  type Setting,
  text,
  url,
  whole,
  wholeList,
} from './setting.ts'
import { isKafkaUrl, KAFKA_SETTINGS, KAFKA_URL, kafkaUrlFault } from './settings-kafka.ts'
import { fittingConcurrency, fittingThreads } from './sizing.ts'

/** All that a worker can be told from outside; `SETTINGS` describes each field. */
export interface WorkerSettings extends BrokerSettings {
  readonly threads: number
  readonly threadHeapMb: number | undefined
  readonly jobTimeoutMs: number
  readonly retryAttempts: number
  readonly retryMinDelayMs: number
  readonly retryMaxDelayMs: number
  readonly retryFactor: number
  readonly drainTimeoutMs: number
  readonly abortGraceMs: number
  readonly terminationGraceMs: number
  readonly maxBodyBytes: number
  readonly maxDepth: number
  readonly missingId: 'derive' | 'dead-letter'
  readonly stuckLimit: number
  readonly guard: 'on' | 'off'
  readonly httpHost: string
  readonly httpPort: number
  readonly logLevel: (typeof LOG_LEVELS)[number]
  readonly eventLoopStallMs: number
  readonly backlogCacheMs: number
}

export type SettingName = keyof WorkerSettings

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const MIB = 1024 * 1024
const NAME = /^[\x21-\x7e]{1,255}$/

const BROKER_URL = `amqp:// or amqps:// as in amqp://user@host:5672/vhost, ${KAFKA_URL}, or memory:`

/** The one table of settings: what each is for, its default and its bounds. The README's table is made from it. */
export const SETTINGS: { readonly [N in SettingName]: Setting<WorkerSettings[N]> } = {
  brokerUrl: {
    sentence: 'Which broker, and how to reach it.',
    expected: BROKER_URL,
    schema: url(brokerUrlFault),
    fallback: undefined,
    required: true,
    parse: (value) => value,
    secret: 'url',
  },
  brokerUsername: optionalText(/^[^\0]{1,255}$/, '1 to 255 characters', 'The user name, where the URL has none.'),
  brokerPassword: {
    ...optionalText(/^[^\0]{1,4096}$/, '1 to 4,096 characters', 'The password, where the URL has none.'),
    secret: 'whole',
  },
  managementUrl: {
    ...optionalText(/^/, '', 'RabbitMQ: the management HTTP API, which alone knows how many jobs are unacknowledged.'),
    expected: 'an http:// or https:// URL',
    schema: z.optional(url(managementUrlFault)),
    secret: 'url',
  },
  tlsCaFile: optionalPath("A PEM file with the authorities that the broker's certificate is checked against."),
  tlsCertFile: optionalPath('A PEM file with the client certificate; needs `tlsKeyFile`.'),
  tlsKeyFile: optionalPath("A PEM file with the client certificate's key."),
  queue: requiredText(/^[A-Za-z0-9._-]{1,200}$/, "1 to 200 letters, digits, '.', '_' or '-'", 'The queue to work on.'),
  concurrency: {
    ...whole(10, 1, 10_000, 'How many jobs run at once.'),
    fit: fittingConcurrency,
    defaultWords: '10; in a container with a CPU limit 10 a CPU, from 2 to 100',
  },
  threads: {
    ...whole(1, 1, 1_024, 'How many threads run the handlers that are modules.'),
    fit: fittingThreads,
    defaultWords: "the container's or the machine's CPUs, rounded up",
  },
  threadHeapMb: optionalWhole(
    16,
    65_536,
    "The heap of each of them (its old generation) in MiB; a job that needs more fails alone. Node's `--max-old-space-size` goes before it.",
  ),
  readAhead: whole(
    0,
    0,
    65_535,
    'RabbitMQ: how many jobs are fetched beyond those that run: throughput of short jobs against fairness.',
  ),
  retryLadderMs: wholeList(
    [1_000, 5_000, 30_000, 2 * MINUTE, 10 * MINUTE, HOUR],
    [1, 30 * DAY],
    20,
    ladderFault,
    'The delays that a retry can have: one wait queue or topic each.',
  ),
  defaultType: optionalText(NAME, '1 to 255 printable characters', 'The type of messages that name none.'),
  typeHeader: text(
    'tidemill-type',
    NAME,
    '1 to 255 printable characters',
    'The header that names the type, where the property `type` does not.',
  ),
  crashLimit: whole(3, 1, 100, 'How many crashes of its worker a job may cause before it is dead-lettered.'),
  deliveryLimit: whole(50, 4, 10_000, "RabbitMQ: the queues' own delivery limit, the last net under the crash limit."),
  deadMaxLength: optionalWhole(
    1,
    2 ** 31 - 1,
    'RabbitMQ: how many dead letters are kept; a full queue refuses more, and their jobs are held.',
  ),
  connectTimeoutMs: whole(10_000, 100, 10 * MINUTE, 'How long a connection may take to open.'),
  heartbeatMs: {
    ...whole(15_000, 1_000, 10 * MINUTE, 'How often both sides of a connection show that they live; whole seconds.'),
    expected: 'whole seconds in milliseconds, from 1,000 to 600,000',
    schema: whole(0, 1_000, 10 * MINUTE, '').schema.check(
      z.refine((value) => value % 1_000 === 0, 'whole seconds in milliseconds, from 1,000 to 600,000'),
    ),
  },
  confirmTimeoutMs: whole(30_000, 100, 10 * MINUTE, 'How long the broker may take to confirm what was published.'),
  blockedTimeoutMs: whole(
    30_000,
    0,
    HOUR,
    "How long a producer's job waits while the broker blocks publishers or can't be reached.",
  ),
  settlePauseMs: whole(
    150,
    0,
    10_000,
    'RabbitMQ: the pause between the last acknowledgement and the close of its channel.',
  ),
  closeTimeoutMs: whole(5_000, 100, 5 * MINUTE, 'How long the broker may take to close a connection.'),
  suspectsPollMs: whole(2_000, 100, 10 * MINUTE, 'RabbitMQ: how often the suspects queue is looked at.'),
  consumerTimeoutMs: whole(
    30 * MINUTE,
    1_000,
    30 * DAY,
    'RabbitMQ: how long the broker lets a job stay unacknowledged (its `consumer_timeout`).',
  ),
  ...KAFKA_SETTINGS,
  jobTimeoutMs: whole(30_000, 1, 2 ** 31 - 1, 'How long a handler may take, where its job does not say.'),
  retryAttempts: whole(5, 1, 10_000, 'How often a job is tried, the first try included, where the job does not say.'),
  retryMinDelayMs: whole(1_000, 0, 30 * DAY, 'The mean delay before the second try.'),
  retryMaxDelayMs: whole(HOUR, 0, 30 * DAY, 'No mean delay is longer.'),
  retryFactor: decimal(4, 1, 1_000, 'Each mean delay is this many times the one before.'),
  drainTimeoutMs: whole(25_000, 0, DAY, 'How long a drain waits for running jobs before it aborts them.'),
  abortGraceMs: whole(
    2_000,
    0,
    10 * MINUTE,
    'How long a job may take to yield to its abort before its slot is freed without it.',
  ),
  terminationGraceMs: whole(45_000, 1_000, 2 * DAY, 'How long the platform waits between SIGTERM and SIGKILL.'),
  maxBodyBytes: whole(MIB, 1, 16 * MIB, 'A longer body is dead-lettered.'),
  maxDepth: whole(64, 1, 1_000, 'A JSON body that is nested deeper is dead-lettered.'),
  missingId: choice('derive', ['derive', 'dead-letter'], 'What to do with a message without an id.'),
  stuckLimit: whole(3, 1, 10_000, 'So many handlers that ignore their abort make the worker unhealthy.'),
  guard: choice('on', ['on', 'off'], 'Begins fewer jobs while the event loop is late or memory runs short.'),
  httpHost: text(
    '0.0.0.0',
    /^[A-Za-z0-9.:_-]{1,255}$/,
    'a host name or an address',
    'Where probes and metrics are served.',
  ),
  httpPort: whole(8081, 0, 65_535, 'The port of probes and metrics; 0 takes any free one.'),
  logLevel: choice('info', LOG_LEVELS, 'Less than this is not logged.'),
  eventLoopStallMs: whole(MINUTE, 1_000, DAY, 'A handler may block the event loop this long before `/livez` fails.'),
  backlogCacheMs: whole(5_000, 0, 10 * MINUTE, 'How old a reading may be that `tidemill exporter` serves.'),
}

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[]

/** `brokerUrl` to `TIDEMILL_BROKER_URL`. */
export function envName(name: SettingName): string {
  return `TIDEMILL_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

/** `drainTimeoutMs` to `drain-timeout-ms`; `brokerUrl` is `broker`. */
export function flagName(name: SettingName): string {
  if (name === 'brokerUrl') return 'broker'
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function brokerUrlFault(value: string): string | undefined {
  if (isKafkaUrl(value)) return kafkaUrlFault(value)
  const parsed = URL.parse(value)
  if (parsed?.protocol === 'memory:') return undefined
  if (parsed === null || !['amqp:', 'amqps:'].includes(parsed.protocol) || parsed.hostname === '') return BROKER_URL
  return undefined
}

function managementUrlFault(value: string): string | undefined {
  const parsed = URL.parse(value)
  return parsed !== null && ['http:', 'https:'].includes(parsed.protocol) ? undefined : 'an http:// or https:// URL'
}

function ladderFault(ladder: readonly number[]): string | undefined {
  const ascending = ladder.every((rung, index) => index === 0 || rung > ladder[index - 1]!)
  return ascending ? undefined : 'ascending delays, each once'
}
