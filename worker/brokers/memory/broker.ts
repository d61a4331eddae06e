import type {
  Backlog,
  Broker,
  BrokerSettings,
  Features,
  Outgoing,
  Sink,
  Topology,
  TopologyFault,
  TopologyItem,
  WorkerEvent,
} from '../../contracts.ts'
import { TidemillError } from '../../errors.ts'
import { type MemoryClock, processClock } from './clock.ts'
import { adopt, type MemoryMessage, wireOf } from './message.ts'
import { MemoryQueue, type Waiting } from './queue.ts'
import { type Host, MemorySource } from './source.ts'

export interface MemoryOptions {
  /** What drives the retry delays. Default: the process's own time. */
  readonly clock?: MemoryClock
  /** True: a queue exists only after its topology was applied, as on a real broker. Default false: from its first use. */
  readonly strict?: boolean
}

const FEATURES: Features = Object.freeze({
  durable: false,
  countsDeliveries: false,
  ordersByKey: false,
  separatesInFlight: true,
})

/** A broker inside this process. Every worker and producer that names it shares its queues; tests look inside. */
export class MemoryBroker implements Host {
  readonly name: string
  readonly #clock: MemoryClock
  readonly #strict: boolean
  readonly #queues = new Map<string, MemoryQueue>()
  readonly #sources = new Set<MemorySource>()

  constructor(name: string, options: MemoryOptions = {}) {
    this.name = name
    this.#clock = options.clock ?? processClock
    this.#strict = options.strict ?? false
  }

  /** The broker as a worker or a producer sees it. */
  open(settings: BrokerSettings, observe: (event: WorkerEvent) => void): Broker {
    return {
      name: 'memory',
      features: FEATURES,
      source: () => new MemorySource(this, settings, observe),
      sink: () => new MemorySink(this, settings.queue),
      backlog: () => this.#backlog(settings.queue),
      topology: () => this.#topology(settings.queue),
    }
  }

  /** Waiting to be delivered, the next one first. */
  ready(queue: string): readonly MemoryMessage[] {
    return this.find(queue)?.ready ?? []
  }

  /** In the retry ladder, the next one first. */
  waiting(queue: string): readonly Waiting[] {
    return this.find(queue)?.waiting ?? []
  }

  /** The dead letters, the oldest first; header `tidemill-dead-reason` says why. */
  dead(queue: string): readonly MemoryMessage[] {
    return this.find(queue)?.dead ?? []
  }

  /** Publishes as a foreign producer would, with whatever properties and headers. */
  publish(queue: string, message: MemoryMessage): void {
    this.#existing(queue, 'UNROUTABLE').publish(adopt(message))
  }

  /** Makes every retry that waits due now. */
  hurry(queue: string): void {
    this.find(queue)?.hurry()
  }

  /** Resolves when no job is ready or unsettled; retries that wait and dead letters don't count. */
  async idle(queue: string): Promise<void> {
    await this.find(queue)?.idle()
  }

  /** Cuts every connection: leases abort, unsettled jobs come again marked redelivered, sources connect anew at once. */
  disconnect(): void {
    const cut = [...this.#sources]
    for (const source of cut) source.cut()
    for (const source of cut) source.declared()
  }

  /** Forgets every message, also those that workers hold; what is open stays open. */
  clear(): void {
    for (const queue of this.#queues.values()) queue.clear()
  }

  find(name: string): MemoryQueue | undefined {
    return this.#queues.get(name) ?? (this.#strict ? undefined : this.#declare(name))
  }

  faults(name: string): readonly TopologyFault[] {
    if (this.find(name) !== undefined) return []
    return [{ kind: 'queue', name, expected: 'a queue of this name', got: 'none' }]
  }

  join(source: MemorySource): void {
    this.#sources.add(source)
  }

  leave(source: MemorySource): void {
    this.#sources.delete(source)
  }

  #declare(name: string): MemoryQueue {
    const queue = new MemoryQueue(name, this.#clock)
    this.#queues.set(name, queue)
    return queue
  }

  #existing(name: string, code: 'UNROUTABLE' | 'BACKLOG_UNREADABLE'): MemoryQueue {
    const queue = this.find(name)
    if (queue !== undefined) return queue
    throw new TidemillError(
      code,
      `expected the queue ${name} on the memory broker, found none: apply its topology first`,
    )
  }

  #backlog(name: string): Backlog {
    return {
      read: async () => ({
        queue: name,
        ...this.#existing(name, 'BACKLOG_UNREADABLE').figures,
        readAt: this.#clock.now(),
        via: 'memory',
      }),
      close: async () => {},
    }
  }

  #topology(name: string): Topology {
    const items: readonly TopologyItem[] = [
      { kind: 'queue', name, purpose: 'jobs, with their retries and dead letters', settings: {} },
    ]
    return {
      print: async () => items,
      apply: async () => {
        if (!this.#queues.has(name)) this.#declare(name)
        for (const source of this.#sources) source.declared()
        return items
      },
      verify: async () => this.faults(name),
      close: async () => {},
    }
  }
}

class MemorySink implements Sink {
  readonly #broker: MemoryBroker
  readonly #queue: string
  #closed = false

  constructor(broker: MemoryBroker, queue: string) {
    this.#broker = broker
    this.#queue = queue
  }

  async send(job: Outgoing): Promise<void> {
    if (this.#closed) throw new TidemillError('CLOSED', 'expected an open producer, this one was closed')
    this.#broker.publish(this.#queue, wireOf(job))
  }

  async close(): Promise<void> {
    this.#closed = true
  }
}
