import type { ConsumeMessage } from 'amqplib'
import type { BrokerSettings, WorkerEvent } from '../../contracts.ts'
import { messageOf } from '../../errors.ts'
import { fullJitter, ignore, settledWithin, within } from '../waiting.ts'
import { type Credit, type Desk, RabbitDelivery } from './delivery.ts'
import type { Line } from './dial.ts'
import { Epoch } from './epoch.ts'
import { RabbitMessage } from './message.ts'

const BASE_DELAY_MS = 100
const MAX_DELAY_MS = 10_000
/** A channel that lived this long was a good one: the next failure starts the back-off anew. */
const STABLE_MS = 5_000

export interface ConsumerOptions {
  readonly settings: BrokerSettings
  readonly desk: Desk
  readonly observe: (event: WorkerEvent) => void
  readonly onDelivery: (delivery: RabbitDelivery) => void
  /** Told when an epoch ended with its unsettled deliveries. */
  readonly onLost: () => void
  /** Told when nothing is unsettled any more. */
  readonly onEmpty: () => void
  /** Told when consuming failed, and each time that it begins. */
  readonly onConsuming: (consuming: boolean) => void
}

/**
 * Supervises the channel that consumes the work queue: opens it again when it ends and consumes again when the broker
 * cancels, each time on a new channel under a new tag. The broker never owes and holds more than
 * `concurrency + readAhead` together: what is unsettled of a cancelled consumer is taken off the next one's prefetch.
 */
export class Consumer {
  readonly #options: ConsumerOptions
  readonly #limit: number
  readonly #credits = new Map<string, Credit>()
  readonly #retired = new Set<Epoch<RabbitDelivery>>()
  #line: Line | undefined
  #epoch: Epoch<RabbitDelivery> | undefined
  #wanted = true
  #stopped = false
  #working = false
  #failures = 0
  #since = 0
  #consumers = 0
  #retry: NodeJS.Timeout | undefined

  constructor(options: ConsumerOptions) {
    this.#options = options
    this.#limit = options.settings.concurrency + options.settings.readAhead
  }

  /** True while the broker sends. */
  get consuming(): boolean {
    for (const { active, answered } of this.#credits.values()) if (active && answered) return true
    return false
  }

  /** Deliveries that are on loan on living channels and not settled. */
  get outstanding(): number {
    let sum = 0
    for (const credit of this.#credits.values()) sum += credit.outstanding
    return sum
  }

  /** All unsettled deliveries. */
  *open(): Iterable<RabbitDelivery> {
    for (const epoch of this.#epochs()) yield* epoch.open()
  }

  up(line: Line): void {
    this.#line = line
    this.#failures = 0
    void this.#supply()
  }

  down(): void {
    this.#line = undefined
    clearTimeout(this.#retry)
  }

  /** Stops the broker from sending until `resume`. Returns when it has stopped. Never rejects. */
  async pause(): Promise<void> {
    this.#wanted = false
    await this.#cancel()
  }

  resume(): void {
    if (this.#stopped) return
    this.#wanted = true
    void this.#supply()
  }

  /** Pauses for good. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#retry)
    await this.pause()
  }

  /** Closes the channels; what is unsettled goes back to the broker. Never rejects. */
  async close(): Promise<void> {
    await Promise.all([...this.#epochs()].map((epoch) => epoch.close(this.#options.settings)))
  }

  /** To be told of every delivery that was settled on its channel. */
  settled({ credit, epoch }: RabbitDelivery): void {
    if (credit === undefined) return
    credit.outstanding--
    if (!credit.active) this.#orphanSettled(credit, epoch)
    if (!this.#wanted && this.outstanding === 0) this.#options.onEmpty()
  }

  #orphanSettled(credit: Credit, epoch: Epoch<RabbitDelivery>): void {
    if (credit.outstanding === 0) this.#credits.delete(credit.tag)
    if (this.#retired.has(epoch) && epoch.unsettled === 0) void this.#closeRetired(epoch)
    if (this.#wanted) void this.#supply()
  }

  #epochs(): Epoch<RabbitDelivery>[] {
    return this.#epoch === undefined ? [...this.#retired] : [this.#epoch, ...this.#retired]
  }

  #active(): number {
    let sum = 0
    for (const credit of this.#credits.values()) if (credit.active) sum += credit.prefetch
    return sum
  }

  #orphans(): number {
    let sum = 0
    for (const credit of this.#credits.values()) if (!credit.active) sum += credit.outstanding
    return sum
  }

  /** Brings channel and consumers to what is wanted. One at a time; what changes meanwhile is seen by the next round. */
  async #supply(): Promise<void> {
    if (this.#working) return
    this.#working = true
    try {
      while (this.#line !== undefined && this.#wanted) {
        if (this.#epoch === undefined) await this.#openChannel(this.#line)
        const prefetch = this.#missing()
        if (prefetch === 0) break
        await this.#consume(this.#epoch, prefetch)
      }
    } catch (error) {
      // A channel that ended told so itself; one that lives and does not answer leaves only the connection to end.
      if (this.#epoch?.alive) this.#line?.destroy(error)
    } finally {
      this.#working = false
    }
  }

  /** The prefetch of one more consumer; 0 for none. At most two at a time share the limit, so few are opened. */
  #missing(): number {
    const active = this.#active()
    const orphans = this.#orphans()
    return active > 0 && orphans > 0 ? 0 : Math.max(0, this.#limit - active - orphans)
  }

  async #openChannel(line: Line): Promise<void> {
    const { connectTimeoutMs } = this.#options.settings
    const channel = await within(line.model.createChannel(), connectTimeoutMs, 'a channel').catch((error) => {
      // A connection on which no channel can be opened may never tell that it has ended.
      line.destroy(error)
      throw error
    })
    const epoch: Epoch<RabbitDelivery> = new Epoch<RabbitDelivery>(channel, (reason) =>
      this.#ended(epoch, line, reason),
    )
    // amqplib answers a delivery for a consumer that it has forgotten by closing the channel, and the broker may send
    // one after a cancel of its own. So deliveries are taken before amqplib looks for their consumer.
    channel.removeAllListeners('delivery')
    channel.on('delivery', (raw) => this.#receive(epoch, raw))
    channel.removeAllListeners('cancel')
    channel.on('cancel', ({ consumerTag }) => this.#cancelled(epoch, consumerTag))
    this.#epoch = epoch
    this.#since = performance.now()
  }

  async #consume(epoch: Epoch<RabbitDelivery> | undefined, prefetch: number): Promise<void> {
    if (epoch === undefined) return
    const { settings, onConsuming } = this.#options
    const tag = `tidemill-${++this.#consumers}`
    const credit: Credit = { tag, epoch, prefetch, active: true, answered: false, outstanding: 0 }
    this.#credits.set(credit.tag, credit)
    try {
      await within(epoch.channel.prefetch(prefetch), settings.connectTimeoutMs, 'an answer to basic.qos')
      if (!credit.active) return
      const consuming = epoch.channel.consume(settings.queue, ignore, { consumerTag: credit.tag })
      await within(consuming, settings.connectTimeoutMs, 'an answer to basic.consume')
      credit.answered = true
      if (credit.active) onConsuming(true)
    } catch (error) {
      this.#deactivate(credit)
      throw error
    }
  }

  #receive(epoch: Epoch<RabbitDelivery>, raw: ConsumeMessage): void {
    const { settings, desk, onDelivery } = this.#options
    const credit = this.#credits.get(raw.fields.consumerTag) ?? this.#orphanCredit(epoch, raw.fields.consumerTag)
    credit.outstanding++
    const delivery = new RabbitDelivery(new RabbitMessage(raw, settings), epoch, credit, desk)
    epoch.opened(delivery)
    onDelivery(delivery)
  }

  /** For what comes to a consumer that is cancelled and forgotten. */
  #orphanCredit(epoch: Epoch<RabbitDelivery>, tag: string): Credit {
    const credit: Credit = { tag, epoch, prefetch: 0, active: false, answered: false, outstanding: 0 }
    this.#credits.set(tag, credit)
    return credit
  }

  async #cancel(): Promise<void> {
    const { closeTimeoutMs } = this.#options.settings
    const cancels: Promise<void>[] = []
    for (const credit of [...this.#credits.values()]) {
      if (!credit.active) continue
      this.#deactivate(credit)
      cancels.push(settledWithin(credit.epoch.channel.cancel(credit.tag), closeTimeoutMs))
    }
    await Promise.all(cancels)
  }

  #deactivate(credit: Credit): void {
    credit.active = false
    if (credit.outstanding === 0) this.#credits.delete(credit.tag)
  }

  /** The broker has cancelled: its queue is gone or moved. The old channel stays for the acks of what it delivered. */
  #cancelled(epoch: Epoch<RabbitDelivery>, tag: string): void {
    if (epoch !== this.#epoch) return
    this.#epoch = undefined
    this.#retired.add(epoch)
    for (const credit of [...this.#credits.values()]) {
      if (!credit.active) continue
      // From 4.3 on the broker keeps a tag that it has cancelled until it is cancelled by us.
      epoch.channel.cancel(credit.tag).catch(ignore)
      this.#deactivate(credit)
    }
    if (epoch.unsettled === 0) void this.#closeRetired(epoch)
    this.#lost(`the broker cancelled the consumer ${tag}`)
  }

  async #closeRetired(epoch: Epoch<RabbitDelivery>): Promise<void> {
    await epoch.close(this.#options.settings)
    this.#retired.delete(epoch)
  }

  #ended(epoch: Epoch<RabbitDelivery>, line: Line, reason: unknown): void {
    this.#retired.delete(epoch)
    for (const credit of [...this.#credits.values()]) if (credit.epoch === epoch) this.#credits.delete(credit.tag)
    const current = epoch === this.#epoch
    if (current) this.#epoch = undefined
    this.#options.onLost()
    // The end of a connection ends its channels first; it is told elsewhere.
    setImmediate(() => {
      if (current && this.#line === line && !this.#stopped) this.#lost(`the channel ended: ${messageOf(reason)}`)
    })
  }

  #lost(reason: string): void {
    if (this.#stopped) return
    this.#options.observe({ name: 'consumer-lost', reason })
    if (this.#line === undefined) return
    this.#options.onConsuming(false)
    if (performance.now() - this.#since >= STABLE_MS) this.#failures = 0
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => void this.#supply(), fullJitter(this.#failures++, BASE_DELAY_MS, MAX_DELAY_MS))
  }
}
