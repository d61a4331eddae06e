import { TidemillError } from '../../worker/errors.ts'
import { type Container, startContainer } from './container.ts'
import { type LocalKafka, type NoWay, SHUTDOWN_MS, type WayOptions } from './contracts.ts'
import { type KafkaPorts, kafkaProperties } from './kafka-files.ts'
import { isKafkaReady, kafkaVersionIn } from './kafka-ready.ts'
import { freePorts } from './ports.ts'
import { untilReady } from './ready.ts'

const DEFAULT_IMAGE = 'apache/kafka:4.3.1'
const START_TIMEOUT_MS = 120_000

/** Starts Kafka in a container, where an engine answers; `TIDEMILL_KAFKA_IMAGE` names another image than `apache/kafka:4.3.1`. */
export async function startKafkaContainer(options: WayOptions, { proxied = false } = {}): Promise<LocalKafka | NoWay> {
  const [client, controller, port, advertisedPort] = (await freePorts(4)) as [number, number, number, number]
  const ports = { client, controller, proxied: proxied ? { port, advertisedPort } : undefined }
  // The image takes the property `a.b` from the variable KAFKA_A_B.
  const variables = Object.entries(kafkaProperties(ports, '0.0.0.0')).map(
    ([name, value]) => [`KAFKA_${name.replaceAll('.', '_').toUpperCase()}`, value] as const,
  )
  const plan = {
    protocol: 'kafka',
    image: options.env.TIDEMILL_KAFKA_IMAGE || DEFAULT_IMAGE,
    ports: [[client, client], ...(proxied ? [[port, port] as const] : [])],
    env: { ...Object.fromEntries(variables), KAFKA_HEAP_OPTS: '-Xms128m -Xmx512m' },
  } as const
  return startContainer(plan, options, (container) => new ContainerKafka(container, ports))
}

class ContainerKafka implements LocalKafka {
  readonly protocol = 'kafka'
  readonly kind = 'docker'
  readonly managementUrl = undefined
  readonly url: string
  readonly proxied: LocalKafka['proxied']
  version = ''
  readonly #container: Container
  #stopped = false

  constructor(container: Container, ports: KafkaPorts) {
    this.#container = container
    this.url = `kafka://127.0.0.1:${ports.client}`
    this.proxied = ports.proxied
  }

  async start(): Promise<void> {
    if (this.#stopped) throw new TidemillError('ILLEGAL_STATE', 'this broker was stopped for good')
    await this.#container.start()
    await this.untilReady()
  }

  async restart(): Promise<void> {
    await this.#container.end({ withinMs: SHUTDOWN_MS })
    await this.start()
  }

  async kill(): Promise<void> {
    await this.#container.end()
  }

  async logs(): Promise<string> {
    return this.#container.logs()
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    await this.#container.remove()
  }

  async untilReady(): Promise<void> {
    await untilReady(() => isKafkaReady(this.url), { timeoutMs: START_TIMEOUT_MS, logs: () => this.logs() })
    this.version = kafkaVersionIn(await this.logs())
  }
}
