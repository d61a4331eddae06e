import { type Delivery, NOT_WRITTEN, type Outcome } from '../../contracts.ts'
import type { Epoch } from './epoch.ts'
import type { RabbitMessage } from './message.ts'

/** Who carries out what becomes of deliveries. */
export interface Desk {
  ack(delivery: RabbitDelivery): Promise<boolean>
  settle(delivery: RabbitDelivery, outcome: Outcome): Promise<boolean>
}

/** What a consumer may still be sent, and what it was sent and not settled. */
export interface Credit {
  readonly tag: string
  readonly epoch: Epoch<RabbitDelivery>
  readonly prefetch: number
  /** From the request to consume until it is cancelled. */
  active: boolean
  /** The broker has taken the request. */
  answered: boolean
  outstanding: number
}

/** One job on loan, bound to the channel that it came on. */
export class RabbitDelivery implements Delivery {
  readonly message: RabbitMessage
  readonly epoch: Epoch<RabbitDelivery>
  readonly tag: number
  /** The consumer that it came to; undefined for a suspect, which is fetched. */
  readonly credit: Credit | undefined
  /** The links of the epoch's chain of what is unsettled. */
  older: RabbitDelivery | undefined = undefined
  newer: RabbitDelivery | undefined = undefined
  /** False once an ack or a nack is on its way. */
  onLoan = true
  readonly #desk: Desk
  #settled = false

  constructor(message: RabbitMessage, epoch: Epoch<RabbitDelivery>, credit: Credit | undefined, desk: Desk) {
    this.message = message
    this.epoch = epoch
    this.tag = message.raw.fields.deliveryTag
    this.credit = credit
    this.#desk = desk
  }

  get lease(): AbortSignal {
    return this.epoch.lease
  }

  get isSuspect(): boolean {
    return this.credit === undefined
  }

  /** Takes the one right to settle; false when it is taken already. */
  claim(): boolean {
    if (this.#settled) return false
    this.#settled = true
    return true
  }

  settle(outcome: Outcome): Promise<boolean> {
    if (!this.claim()) return NOT_WRITTEN
    return outcome.kind === 'ack' ? this.#desk.ack(this) : this.#desk.settle(this, outcome)
  }
}
