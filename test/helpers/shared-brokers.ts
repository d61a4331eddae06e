import { startKafka, startRabbitmq } from '../../deploy/local/broker.ts'
import type { LocalBroker } from '../../deploy/local/contracts.ts'
import { accepts } from '../../deploy/local/ports.ts'
import { SHARED_MANAGEMENT_URL, SHARED_URL, SHARED_VERSION } from './broker.ts'
import { SHARED_KAFKA_URL, SHARED_KAFKA_VERSION } from './kafka.ts'
import type { SharedProtocol } from './test-groups.ts'

interface ShareOptions {
  readonly install?: boolean
  readonly log: (line: string) => void
}

/** The brokers that the files of a run share: they start side by side, and the files find them in their environment. */
export class SharedBrokers {
  readonly #starting: Promise<LocalBroker>[]

  constructor(protocols: readonly SharedProtocol[], options: ShareOptions) {
    this.#starting = protocols.map((protocol) => START[protocol](options))
    // Whoever waits for them hears of it.
    for (const starting of this.#starting) starting.catch(() => undefined)
  }

  /** Resolves when all of them accept connections; rejects with the first that does not start. */
  async ready(): Promise<void> {
    await Promise.all(this.#starting)
  }

  /** Stops them. Returns what is left of them, a sentence each. */
  async stop(): Promise<string[]> {
    const started = await Promise.allSettled(this.#starting)
    const brokers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    await Promise.all(brokers.map((broker) => broker.stop()))
    const ports = brokers.filter(({ kind }) => kind !== 'given').flatMap(portsOf)
    const left = await Promise.all(ports.map(async (port) => ((await accepts(port)) ? [port] : [])))
    return left.flat().map((port) => `left behind: the port ${port} of the broker`)
  }
}

const START: Readonly<Record<SharedProtocol, (options: ShareOptions) => Promise<LocalBroker>>> = {
  async rabbitmq(options) {
    const broker = await startRabbitmq(options)
    process.env[SHARED_URL] = broker.url
    process.env[SHARED_VERSION] = broker.version
    if (broker.managementUrl !== undefined) process.env[SHARED_MANAGEMENT_URL] = broker.managementUrl
    return broker
  },
  async kafka(options) {
    const broker = await startKafka(options)
    process.env[SHARED_KAFKA_URL] = broker.url
    process.env[SHARED_KAFKA_VERSION] = broker.version
    return broker
  },
}

function portsOf({ url, managementUrl }: LocalBroker): number[] {
  return [url, managementUrl].flatMap((one) => (one === undefined ? [] : [Number(new URL(one).port)]))
}
