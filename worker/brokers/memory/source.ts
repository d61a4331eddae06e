import type {
  BrokerSettings,
  Deliveries,
  Delivery,
  Message,
  Outcome,
  Source,
  TopologyFault,
  WorkerEvent,
} from '../../contracts.ts'
import { LeaseLostError, TidemillError } from '../../errors.ts'
import { viewOf } from './message.ts'
import type { Consumer, Entry, MemoryQueue } from './queue.ts'

/** What a source needs of its broker. */
export interface Host {
  /** The queue, or undefined while nobody has declared it. */
  find(queue: string): MemoryQueue | undefined
  faults(queue: string): readonly TopologyFault[]
  /** From now on the source hears of declarations and cut connections. */
  join(source: MemorySource): void
  leave(source: MemorySource): void
}

type Settings = Pick<BrokerSettings, 'queue' | 'concurrency' | 'readAhead' | 'typeHeader' | 'defaultType'>
type Pulled = IteratorResult<Delivery, undefined>

const END: Pulled = Object.freeze({ done: true, value: undefined })
const FOR_EVER_MS = 2 ** 31 - 1

/** One consumer with its own prefetch window and one lease for each connection that it had. */
export class MemorySource implements Source, Consumer, AsyncIterableIterator<Delivery, undefined> {
  readonly #host: Host
  readonly #settings: Settings
  readonly #observe: (event: WorkerEvent) => void
  readonly #held = new Set<Entry>()
  readonly #fetched: MemoryDelivery[] = []
  readonly #pulls: ((pulled: Pulled) => void)[] = []
  #state: 'new' | 'connecting' | 'consuming' | 'stopped' | 'closed' = 'new'
  #queue: MemoryQueue | undefined
  #lease = new AbortController()
  #keepAlive: NodeJS.Timeout | undefined

  constructor(host: Host, settings: Settings, observe: (event: WorkerEvent) => void) {
    this.#host = host
    this.#settings = settings
    this.#observe = observe
  }

  get ready(): boolean {
    return this.#state === 'consuming'
  }

  get room(): number {
    return this.ready ? this.#settings.concurrency + this.#settings.readAhead - this.#held.size : 0
  }

  deliveries(): Deliveries {
    if (this.#keepAlive !== undefined) {
      throw new TidemillError('ILLEGAL_STATE', 'expected deliveries() to be called once, it was called again')
    }
    if (this.#state !== 'new') return this
    this.#state = 'connecting'
    // A socket would keep the process alive for as long as the source is open; nothing else does here.
    this.#keepAlive = setInterval(() => {}, FOR_EVER_MS)
    this.#host.join(this)
    this.declared()
    if (!this.ready) this.#observe({ name: 'topology-fault', faults: this.#host.faults(this.#settings.queue) })
    return this
  }

  /** The host's word that a queue was declared. */
  declared(): void {
    if (this.#state !== 'connecting') return
    const queue = this.#host.find(this.#settings.queue)
    if (queue === undefined) return
    this.#queue = queue
    this.#state = 'consuming'
    this.#observe({ name: 'connection', role: 'consume', status: 'connected', peer: 'memory' })
    queue.attach(this)
  }

  /** The host's word that the connection is gone: every lease ends, what was held is ready again. */
  cut(): void {
    if (this.#queue === undefined) return
    this.#queue.detach(this)
    if (this.#state === 'consuming') this.#state = 'connecting'
    this.#loseAll(new LeaseLostError('the connection to the broker was cut'))
    this.#observe({ name: 'connection', role: 'consume', status: 'lost', retryInMs: 0 })
  }

  take(entry: Entry): void {
    this.#held.add(entry)
    const delivery = new MemoryDelivery(
      this,
      entry,
      viewOf(entry.message, entry.redelivered, this.#settings),
      this.#lease,
    )
    const pull = this.#pulls.shift()
    if (pull === undefined) this.#fetched.push(delivery)
    else pull({ done: false, value: delivery })
  }

  /** Carries out one settlement; false when the lease was lost first. */
  settle(delivery: MemoryDelivery, outcome: Outcome): boolean {
    if (delivery.lease.aborted) {
      this.#observe({ name: 'late-settlement', message: delivery.message })
      return false
    }
    this.#held.delete(delivery.entry)
    this.#queue!.settle(delivery.entry, outcome)
    return true
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<Pulled> {
    const delivery = this.#fetched.shift()
    if (delivery !== undefined) return Promise.resolve({ done: false, value: delivery })
    if (this.#state === 'stopped' || this.#state === 'closed') return Promise.resolve(END)
    return new Promise((resolve) => this.#pulls.push(resolve))
  }

  async return(): Promise<Pulled> {
    await this.stop()
    return END
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped' || this.#state === 'closed') return
    this.#state = 'stopped'
    this.#queue?.detach(this)
    const unseen = this.#fetched.splice(0).map((delivery) => delivery.entry)
    for (const entry of unseen) this.#held.delete(entry)
    this.#queue?.giveBack(unseen)
    for (const pull of this.#pulls.splice(0)) pull(END)
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return
    await this.stop()
    this.#state = 'closed'
    this.#loseAll(new LeaseLostError('the source was closed'))
    this.#host.leave(this)
    clearInterval(this.#keepAlive)
  }

  #loseAll(reason: LeaseLostError): void {
    const lease = this.#lease
    this.#lease = new AbortController()
    const entries = [...this.#held]
    this.#held.clear()
    this.#fetched.length = 0
    lease.abort(reason)
    this.#queue?.giveBack(entries)
  }
}

class MemoryDelivery implements Delivery {
  readonly message: Message
  readonly lease: AbortSignal
  readonly entry: Entry
  readonly #source: MemorySource
  #settled = false

  constructor(source: MemorySource, entry: Entry, message: Message, lease: AbortController) {
    this.#source = source
    this.entry = entry
    this.message = message
    this.lease = lease.signal
  }

  async settle(outcome: Outcome): Promise<boolean> {
    if (this.#settled) return false
    this.#settled = true
    return this.#source.settle(this, outcome)
  }
}
