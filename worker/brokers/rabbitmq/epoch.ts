import type { Channel, Message as RawMessage } from 'amqplib'
import { Chain, type Link } from '../../chain.ts'
import type { BrokerSettings } from '../../contracts.ts'
import { LeaseLostError } from '../../errors.ts'
import { settledWithin } from '../waiting.ts'
import { Acks } from './acks.ts'

/** What an epoch knows of a delivery. */
export interface Loan<Self> extends Link<Self> {
  readonly tag: number
  onLoan: boolean
}

/**
 * The life of one channel. Delivery tags mean nothing on another channel, so every delivery is bound to its epoch:
 * when the channel is gone, the epoch's lease is aborted and its settlements go nowhere.
 */
export class Epoch<Held extends Loan<Held>> {
  readonly channel: Channel
  readonly #acks: Acks
  readonly #lease = new AbortController()
  #held = new Chain<Held>()
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
    return this.#held.items()
  }

  opened(delivery: Held): void {
    this.#held.add(delivery)
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

  #remove(delivery: Held): void {
    this.#held.remove(delivery)
    delivery.onLoan = false
    this.#unsettled--
  }

  #die(): void {
    if (!this.#alive) return
    this.#alive = false
    this.#acks.stop()
    this.#held = new Chain()
    if (this.#unsettled > 0) this.#lease.abort(new LeaseLostError(undefined, { cause: this.#reason }))
  }
}

/** What amqplib's `ack` and `nack` read of a message. */
function tagged(deliveryTag: number): RawMessage {
  return { fields: { deliveryTag } } as RawMessage
}
