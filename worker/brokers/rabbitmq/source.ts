import type { BrokerSettings, Deliveries, DeliveryIterator, Outcome, Source, WorkerEvent } from '../../contracts.ts'
import { Inbox } from '../inbox.ts'
import { Outbox } from '../outbox.ts'
import { settledWithin } from '../waiting.ts'
import { Connection } from './connection.ts'
import { Consumer } from './consumer.ts'
import type { Copy } from './copy.ts'
import type { RabbitDelivery } from './delivery.ts'
import type { Line } from './dial.ts'
import { namesOf } from './names.ts'
import { Publisher } from './publisher.ts'
import { Settlements } from './settlements.ts'
import { Suspects } from './suspects.ts'
import { TopologyWatch } from './topology-watch.ts'
import { versionOf } from './version.ts'

/** How long a copy waits for its connection before its job counts as held. */
const PATIENCE_MS = 1_000
/** A job that came back unsettled this often, and comes once more, is a suspect. */
const SUSPICIOUS_RETURNS = 2
/** What closing a connection gets, however little is left of the time for closing. */
const LAST_WORD_MS = 250
const RELEASE: Outcome = Object.freeze({ kind: 'release' })

/** Jobs from a queue of RabbitMQ. Consumes on one connection and writes retries and dead letters on another. */
export class RabbitSource implements Source {
  readonly #settings: BrokerSettings
  readonly #inbox = new Inbox<RabbitDelivery>()
  readonly #connection: Connection
  readonly #publisher: Publisher
  readonly #outbox: Outbox<Copy>
  readonly #settlements: Settlements
  readonly #consumer: Consumer
  readonly #suspects: Suspects
  readonly #topology: TopologyWatch
  #version = versionOf('')
  #stopping: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(settings: BrokerSettings, observe: (event: WorkerEvent) => void) {
    const names = namesOf(settings.queue)
    this.#settings = settings
    this.#publisher = new Publisher({
      settings,
      observe,
      patienceMs: PATIENCE_MS,
      outwaitsAlarms: true,
      onWritable: () => this.#outbox.wake(),
    })
    this.#outbox = new Outbox(
      (copy) => this.#publisher.publish(copy),
      observe,
      (held) => (held ? this.#inbox.pause() : this.#inbox.resume()),
    )
    this.#settlements = new Settlements({
      settings,
      names,
      outbox: this.#outbox,
      observe,
      version: () => this.#version,
      onSettled: (delivery) => this.#onSettled(delivery),
    })
    this.#consumer = new Consumer({
      settings,
      desk: this.#settlements,
      observe,
      onDelivery: (delivery) => this.#onDelivery(delivery),
      onLost: () => this.#onLost(),
      onEmpty: () => this.#suspects.wake(),
      onConsuming: (consuming) => this.#onConsuming(consuming),
    })
    this.#suspects = new Suspects({
      settings,
      queue: names.suspects,
      desk: this.#settlements,
      consumer: this.#consumer,
      observe,
      onDelivery: (delivery) => this.#onDelivery(delivery),
      onLost: () => this.#onLost(),
      condemn: (delivery) => this.#settlements.condemn(delivery),
      mayPull: () => !this.#outbox.holding,
    })
    this.#topology = new TopologyWatch(settings, observe, () => this.#consumer.resume())
    this.#connection = new Connection('consume', settings, observe, {
      up: (line) => this.#up(line),
      down: () => this.#down(),
    })
  }

  get ready(): boolean {
    return this.#connection.line !== undefined && (this.#consumer.consuming || this.#suspects.serving)
  }

  deliveries(): Deliveries {
    this.#connection.open()
    return { [Symbol.asyncIterator]: () => this.#iterate() }
  }

  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop())
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  #iterate(): DeliveryIterator {
    return {
      poll: () => this.#inbox.poll(),
      next: () => this.#inbox.next(),
      return: async () => {
        await this.stop()
        return { value: undefined, done: true }
      },
    }
  }

  #up(line: Line): void {
    this.#version = line.version
    this.#consumer.up(line)
    this.#suspects.up(line)
    this.#topology.up(line)
  }

  #down(): void {
    this.#consumer.down()
    this.#suspects.down()
    this.#topology.down()
  }

  #onConsuming(consuming: boolean): void {
    if (consuming) {
      // Neither is in the way of the first delivery.
      this.#publisher.open()
      this.#topology.lookOnce()
    } else {
      this.#topology.look()
    }
  }

  #onDelivery(delivery: RabbitDelivery): void {
    if (!delivery.isSuspect) {
      this.#suspects.noteFresh()
      if (delivery.message.returns >= SUSPICIOUS_RETURNS && !this.#inbox.ended) {
        void this.#settlements.move(delivery)
        return
      }
    }
    if (!this.#inbox.push(delivery)) void delivery.settle(RELEASE)
  }

  #onSettled(delivery: RabbitDelivery): void {
    if (delivery.isSuspect) this.#suspects.settled(delivery)
    else this.#consumer.settled(delivery)
  }

  #onLost(): void {
    this.#inbox.remove((delivery) => !delivery.epoch.alive)
    this.#outbox.wake()
    this.#suspects.wake()
  }

  async #stop(): Promise<void> {
    this.#suspects.stop()
    this.#topology.stop()
    const unyielded = this.#inbox.end()
    await this.#consumer.stop()
    await this.#releaseAll(unyielded)
  }

  async #close(): Promise<void> {
    const end = performance.now() + this.#settings.closeTimeoutMs
    const left = (): number => Math.max(LAST_WORD_MS, end - performance.now())
    await settledWithin(this.#handBack(), left())
    this.#outbox.stop()
    await Promise.all([this.#connection.close(left()), this.#publisher.close(left())])
    await this.#suspects.close()
  }

  /** Gives back what is unsettled, then closes the channels. */
  async #handBack(): Promise<void> {
    await this.stop()
    const { current } = this.#suspects
    const unsettled = [...this.#consumer.open(), ...(current === undefined ? [] : [current])]
    await this.#releaseAll(unsettled)
    for (const { epoch } of unsettled) epoch.revoke()
    this.#outbox.stop()
    for (const delivery of this.#consumer.open()) this.#settlements.giveUp(delivery)
    await Promise.all([this.#consumer.close(), this.#suspects.close()])
  }

  /** Bounded: releasing may have to wait for a copy that can't be written. */
  async #releaseAll(deliveries: readonly RabbitDelivery[]): Promise<void> {
    const released = Promise.all(deliveries.map((delivery) => delivery.settle(RELEASE)))
    await settledWithin(released, this.#settings.closeTimeoutMs / 2)
  }
}
