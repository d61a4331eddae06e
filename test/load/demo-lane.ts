import { setTimeout as pause } from 'node:timers/promises'
import amqp from 'amqplib'
import { openBroker } from '../../worker/brokers/index.ts'
import { memoryBroker } from '../../worker/brokers/memory/index.ts'
import { resolveBrokerSettings } from '../../worker/config.ts'
import type { Backlog, BacklogReading, Broker } from '../../worker/contracts.ts'
import type { JobDefinition } from '../../worker/define.ts'
import type { GeneratedJob } from '../../worker/handlers/generator.ts'
import { createProducer } from '../../worker/producer.ts'
import type { LedgerWriter } from './ledger.ts'

/** Jobs sent and not yet confirmed, at most. */
const WINDOW = 200
const READ_EVERY_MS = 250
const POLL_MS = 25
const QUIET_MS = 10_000

/** One queue of the demo, from its topology to its dead letters. */
export class DemoLane {
  readonly label: string
  readonly queue: string
  readonly #url: string
  readonly #broker: Broker
  readonly #backlog: Backlog
  #reading: BacklogReading | undefined
  #isWatched = true
  #watching: Promise<void> | undefined

  /** Applies the topology of the queue. */
  static async open(label: string, queue: string, url: string): Promise<DemoLane> {
    const broker = await openBroker(resolveBrokerSettings({ brokerUrl: url, queue }), () => {})
    const topology = broker.topology()
    await topology.apply()
    await topology.close()
    return new DemoLane(label, queue, url, broker)
  }

  private constructor(label: string, queue: string, url: string, broker: Broker) {
    this.label = label
    this.queue = queue
    this.#url = url
    this.#broker = broker
    this.#backlog = broker.backlog()
  }

  /** The last reading of the backlog. */
  get reading(): BacklogReading | undefined {
    return this.#reading
  }

  /** Reads the backlog again and again until `close`. */
  watch(): void {
    this.#watching = this.#watch()
  }

  /** Reads the backlog now. */
  async read(): Promise<BacklogReading> {
    this.#reading = await this.#backlog.read()
    return this.#reading
  }

  /** The backlog once the broker has noticed that no consumer is left, and so has taken back what they had. */
  async quiet(): Promise<BacklogReading> {
    const deadline = performance.now() + QUIET_MS
    for (;;) {
      const reading = await this.read()
      if (reading.consumers === 0 || performance.now() > deadline) return reading
      await pause(POLL_MS)
    }
  }

  /** Enqueues the jobs and writes each into the ledger when it is confirmed. Rejects with the first that is not. */
  async enqueue(
    job: JobDefinition<any, any, any>,
    jobs: AsyncIterable<GeneratedJob<unknown>> | readonly GeneratedJob<unknown>[],
    ledger: LedgerWriter,
    signal: AbortSignal,
  ): Promise<void> {
    const producer = createProducer({ broker: this.#broker, queue: this.queue })
    try {
      const open = new Set<Promise<void>>()
      for await (const { id, payload } of jobs) {
        signal.throwIfAborted()
        const sent = producer.enqueue(job, payload, { id }).then(() => ledger.write('enqueued', id))
        open.add(sent)
        sent.then(() => open.delete(sent)).catch(() => {})
        if (open.size >= WINDOW) await Promise.all([...open].slice(0, WINDOW / 2))
      }
      await Promise.all(open)
    } finally {
      await producer.close()
    }
  }

  /** The ids of the dead letters, which stay where they are. */
  async deadIds(): Promise<string[]> {
    if (this.#broker.name === 'memory') {
      return memoryBroker(new URL(this.#url).hostname)
        .dead(this.queue)
        .map(({ messageId }) => messageId ?? '')
    }
    return this.#administer(async (channel) => {
      const ids: string[] = []
      for (;;) {
        // Not acknowledged: they go back when the channel closes.
        const letter = await channel.get(`${this.queue}.dead`)
        if (letter === false) return ids
        ids.push(String(letter.properties.messageId))
      }
    })
  }

  /** Stops reading the backlog. */
  async close(): Promise<void> {
    this.#isWatched = false
    await this.#watching
    await this.#backlog.close()
  }

  /** Removes the queue and all that belongs to it from the broker. */
  async remove(): Promise<void> {
    if (this.#broker.name === 'memory') {
      memoryBroker(new URL(this.#url).hostname).clear()
      return
    }
    const topology = this.#broker.topology()
    const items = await topology.print()
    await topology.close()
    await this.#administer(async (channel) => {
      for (const { kind, name } of items) {
        if (kind === 'queue') await channel.deleteQueue(name)
        if (kind === 'exchange') await channel.deleteExchange(name)
      }
    })
  }

  async #watch(): Promise<void> {
    while (this.#isWatched) {
      // A reading that failed leaves the last one standing: the view is not the judge.
      await this.read().catch(() => {})
      await pause(READ_EVERY_MS)
    }
  }

  async #administer<T>(work: (channel: amqp.Channel) => Promise<T>): Promise<T> {
    const connection = await amqp.connect(this.#url, { timeout: 10_000 })
    try {
      const channel = await connection.createChannel()
      const result = await work(channel)
      await channel.close()
      return result
    } finally {
      await connection.close()
    }
  }
}
