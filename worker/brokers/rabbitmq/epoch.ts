import type { Channel, Message as RawMessage } from 'amqplib'
import type { BrokerSettings } from '../../contracts.ts'
import { LeaseLostError } from '../../errors.ts'
import { Acks } from './acks.ts'
import { settledWithin } from './waiting.ts'

/** What an epoch knows of a delivery: its tag, and the two links of the list that it is threaded on. */
export interface Loan<Self> {
  readonly tag: number
  onLoan: boolean
  older: Self | undefined
  newer: Self | undefined
}

/**
 * The life of one channel. Delivery tags mean nothing on another channel, so every delivery is bound to its epoch:
 * when the channel is gone, the epoch's lease is aborted and its settlements go nowhere.
 */
export class Epoch<Held extends Loan<Held>> {
  readonly channel: Channel
  readonly #acks: Acks
  readonly #lease = new AbortController()
  #newest: Held | undefined
  #unsettled = 0
  #alive = true
  #reason: unknown

  /** `onEnd` is told once, when the channel is gone, however it ended, and why where the broker said so. */
  constructor(channel: Channel, onEnd: (reason: unknown) => void) {
    this.channel = channel
    this.#acks = new Acks({
      ack: (tag, upTo) => this.#write(() => channel.ack(tagged(tag), upTo)),
      nack: (tag) => this.#write(() => channel.nack(tagged(tag), false, true)),
    })
    channel.on('error', (error) => {
      this.#reason = error
    })
    channel.on('close', () => {
      this.#die()
      onEnd(this.#reason)
    })
  }

  get lease(): AbortSignal {
    return this.#lease.signal
  }

  get alive(): boolean {
    return this.#alive
  }

  /** How many deliveries of this channel are not settled. */
  get unsettled(): number {
    return this.#unsettled
  }

  /** The deliveries of this channel that are not settled, the newest first. */
  open(): Held[] {
    const all: Held[] = []
    for (let delivery = this.#newest; delivery !== undefined; delivery = delivery.older) all.push(delivery)
    return all
  }

  opened(delivery: Held): void {
    delivery.older = this.#newest
    if (this.#newest !== undefined) this.#newest.newer = delivery
    this.#newest = delivery
    this.#unsettled++
    this.#acks.opened(delivery.tag)
  }

  /** False when the channel is gone: the job comes again. */
  ack(delivery: Held): boolean {
    if (!this.#alive || !delivery.onLoan) return false
    this.#remove(delivery)
    this.#acks.ack(delivery.tag)
    return true
  }

  /** Gives the job back by a nack with requeue. False when the channel is gone: then it is back already. */
  release(delivery: Held): boolean {
    if (!this.#alive || !delivery.onLoan) return false
    this.#remove(delivery)
    this.#acks.release(delivery.tag)
    return true
  }

  /** Tells who still works on a delivery of this channel that it is given back. */
  revoke(): void {
    this.#lease.abort(new LeaseLostError())
  }

  /**
   * Closes the channel, after a pause where something was settled just now: a quorum queue throws settlements away
   * that are still on their way inside the broker when the channel closes. Never rejects.
   */
  async close({ settlePauseMs, closeTimeoutMs }: BrokerSettings): Promise<void> {
    if (!this.#alive) return
    this.#acks.flush()
    const sinceMs = performance.now() - this.#acks.writtenAt
    if (sinceMs < settlePauseMs) await new Promise((resolve) => setTimeout(resolve, settlePauseMs - sinceMs))
    if (!this.#alive) return
    this.#die()
    await settledWithin(this.channel.close(), closeTimeoutMs)
  }

  /** A channel or connection that is closing throws at whoever writes; what was to be written comes again. */
  #write(frame: () => void): void {
    try {
      frame()
    } catch (error) {
      this.#reason ??= error
    }
  }

  /**
   * The list is threaded through the deliveries because a Set, with as many deletions as additions, leaves a chain of
   * old tables behind that drags every job through the garbage collector's old generation.
   */
  #remove(delivery: Held): void {
    const { older, newer } = delivery
    if (older !== undefined) older.newer = newer
    if (newer === undefined) this.#newest = older
    else newer.older = older
    delivery.older = undefined
    delivery.newer = undefined
    delivery.onLoan = false
    this.#unsettled--
  }

  #die(): void {
    if (!this.#alive) return
    this.#alive = false
    this.#acks.stop()
    this.#newest = undefined
    if (this.#unsettled > 0) this.#lease.abort(new LeaseLostError(undefined, { cause: this.#reason }))
  }
}

/** What amqplib's `ack` and `nack` read of a message. */
function tagged(deliveryTag: number): RawMessage {
  return { fields: { deliveryTag } } as RawMessage
}
