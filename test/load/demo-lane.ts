import { setTimeout as pause } from 'node:timers/promises'
import { openBroker } from '../../worker/brokers/index.ts'
import { resolveBrokerSettings } from '../../worker/config.ts'
import type { Backlog, BacklogReading, Broker } from '../../worker/contracts.ts'
import type { JobDefinition } from '../../worker/define.ts'
import type { GeneratedJob } from '../../worker/handlers/generator.ts'
import { createProducer } from '../../worker/producer.ts'
import { type Caretaker, caretakerOf } from './caretaker.ts'
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
  readonly #broker: Broker
  readonly #caretaker: Caretaker
  readonly #backlog: Backlog
  #reading: BacklogReading | undefined
  #isWatched = true
  #watching: Promise<void> | undefined

  /** Applies the topology of the queue. */
  static async open(label: string, queue: string, url: string): Promise<DemoLane> {
    const settings = resolveBrokerSettings({ brokerUrl: url, queue })
    const broker = await openBroker(settings, () => {})
    const topology = broker.topology()
    await topology.apply()
    await topology.close()
    return new DemoLane(label, queue, broker, caretakerOf(broker, settings))
  }

  private constructor(label: string, queue: string, broker: Broker, caretaker: Caretaker) {
    this.label = label
    this.queue = queue
    this.#broker = broker
    this.#caretaker = caretaker
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
  deadIds(): Promise<string[]> {
    return this.#caretaker.deadIds()
  }

  /** Stops reading the backlog. */
  async close(): Promise<void> {
    this.#isWatched = false
    await this.#watching
    await this.#backlog.close()
  }

  /** Removes the queue and all that belongs to it from the broker. */
  async remove(): Promise<void> {
    const topology = this.#broker.topology()
    const items = await topology.print()
    await topology.close()
    await this.#caretaker.remove(items)
  }

  async #watch(): Promise<void> {
    while (this.#isWatched) {
      // A reading that failed leaves the last one standing: the view is not the judge.
      await this.read().catch(() => {})
      await pause(READ_EVERY_MS)
    }
  }
}
