import { TidemillError } from '../../worker/errors.ts'
import {
  isNoWay,
  type LocalBroker,
  type LocalKafka,
  type LocalRabbitmq,
  type NoWay,
  type WayOptions,
} from './contracts.ts'
import { useGivenKafka, useGivenRabbitmq, useMemory } from './given.ts'
import { startKafkaContainer } from './kafka-docker.ts'
import { startMaven } from './kafka-node.ts'
import { startRabbitmqContainer } from './rabbitmq-docker.ts'
import { startDebian } from './rabbitmq-node.ts'

/** How to get a broker on this machine. */
export interface GetOptions {
  /** Whether programs may be installed with apt-get, as root. Default: true. */
  readonly install?: boolean
  /** Told, line by line, what happens. Default: nobody. */
  readonly log?: (line: string) => void
  /** A broker that may be broken: the one that `TIDEMILL_BROKER_URL` names is passed over. Default: false. */
  readonly private?: boolean
  /**
   * Default: this process's environment. Read: `TIDEMILL_BROKER_URL`, `TIDEMILL_MANAGEMENT_URL`, `TIDEMILL_RABBITMQ_IMAGE`,
   * `TIDEMILL_KAFKA_IMAGE`, `PATH`, `JAVA_HOME`, `XDG_CACHE_HOME`.
   */
  readonly env?: NodeJS.ProcessEnv
}

export interface StartBrokerOptions extends GetOptions {
  /** `rabbitmq`, `kafka`, `memory`, or the URL of one that runs already. Default: what `TIDEMILL_BROKER_URL` names, else `rabbitmq`. */
  readonly broker?: string | undefined
}

/** The broker that is asked for, as `startRabbitmq` and `startKafka` get it. It ends with this process, however that ends. */
export async function startBroker({ broker, ...options }: StartBrokerOptions = {}): Promise<LocalBroker> {
  const { env = process.env } = options
  const url = options.private === true ? undefined : env.TIDEMILL_BROKER_URL
  const chosen = broker ?? (url || 'rabbitmq')
  switch (chosen.includes(':') ? chosen.slice(0, chosen.indexOf(':')) : chosen) {
    case 'memory':
      return useMemory()
    case 'amqp':
    case 'amqps':
      return useGivenRabbitmq(chosen, env.TIDEMILL_MANAGEMENT_URL)
    case 'kafka':
    case 'kafkas':
      return chosen.includes(':') ? useGivenKafka(chosen) : startKafka(options)
    case 'rabbitmq':
      return startRabbitmq(options)
    default:
      throw new TidemillError(
        'USAGE',
        `--broker: expected rabbitmq, kafka, memory or the URL of a broker, got ${chosen}`,
      )
  }
}

/**
 * A RabbitMQ to work with: the one that `TIDEMILL_BROKER_URL` names, else one in Docker, else the machine's own rabbitmq-server as a
 * private node, installed with apt-get where it is missing and that is possible.
 * It ends with this process, however that ends. Rejects with `NO_BROKER`, one error that says why each way was closed.
 */
export async function startRabbitmq(options: GetOptions = {}): Promise<LocalRabbitmq> {
  const { install = true, log = () => undefined, env = process.env } = options
  const url = options.private === true ? undefined : env.TIDEMILL_BROKER_URL
  if (url && /^amqps?:/i.test(url)) return useGivenRabbitmq(url, env.TIDEMILL_MANAGEMENT_URL)
  return firstOf(
    { install, log, env },
    {
      name: 'RabbitMQ',
      url: 'amqp://user:password@host:5672',
      own: 'rabbitmq-server on this machine',
      inDocker: startRabbitmqContainer,
      onMachine: startDebian,
    },
  )
}

/**
 * A Kafka to work with: the one that `TIDEMILL_BROKER_URL` names, else one in Docker, else Apache Kafka as Maven fetches it, run by
 * the machine's Java; both are installed with apt-get where they are missing and that is possible.
 * It ends with this process, however that ends. Rejects with `NO_BROKER`, one error that says why each way was closed.
 */
export async function startKafka(options: GetOptions & { readonly proxied?: boolean } = {}): Promise<LocalKafka> {
  const { install = true, log = () => undefined, env = process.env, proxied = false } = options
  const url = options.private === true ? undefined : env.TIDEMILL_BROKER_URL
  if (url && /^kafkas?:/i.test(url)) return useGivenKafka(url)
  return firstOf(
    { install, log, env },
    {
      name: 'Kafka',
      url: 'kafka://host:9092',
      own: 'Java 17 or later, and Maven to fetch Apache Kafka',
      inDocker: (way) => startKafkaContainer(way, { proxied }),
      onMachine: (way) => startMaven(way, { proxied }),
    },
  )
}

interface WayToGo<B> {
  readonly name: string
  /** What a URL looks like. */
  readonly url: string
  /** What is needed on this machine. */
  readonly own: string
  inDocker(way: WayOptions): Promise<B | NoWay>
  onMachine(way: WayOptions): Promise<B | NoWay>
}

async function firstOf<B extends LocalBroker>(options: WayOptions, ways: WayToGo<B>): Promise<B> {
  const docker = await ways.inDocker(options)
  if (!isNoWay(docker)) return docker
  options.log(`no ${ways.name} in Docker (${docker.refused}); trying ${ways.own}`)
  const machine = await ways.onMachine(options)
  if (!isNoWay(machine)) return machine
  throw new TidemillError(
    'NO_BROKER',
    [
      `there is no ${ways.name} to work with. Any of these would do:`,
      `  - the URL of one that runs: TIDEMILL_BROKER_URL=${ways.url}`,
      `  - a Docker engine that answers; here: ${docker.refused}`,
      `  - ${ways.own}; here: ${machine.refused}`,
      'Without any broker: --broker memory',
    ].join('\n'),
  )
}
