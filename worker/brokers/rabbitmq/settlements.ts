import { type BrokerSettings, NOT_WRITTEN, type Outcome, type WorkerEvent, WRITTEN } from '../../contracts.ts'
import type { Outbox } from '../outbox.ts'
import { type Copy, deadCopy, releaseCopy, retryCopy, suspectCopy } from './copy.ts'
import type { Desk, RabbitDelivery } from './delivery.ts'
import type { Names } from './names.ts'
import { nackIsFree, type Version } from './version.ts'

export interface SettlementsOptions {
  readonly settings: BrokerSettings
  readonly names: Names
  readonly outbox: Outbox<Copy>
  readonly observe: (event: WorkerEvent) => void
  /** The version of the broker that is connected. */
  readonly version: () => Version
  /** Told after each delivery that is settled on its channel. */
  readonly onSettled: (delivery: RabbitDelivery) => void
}

/** Carries out what becomes of deliveries. Retries and dead letters are copies that the broker confirmed, then an ack. */
export class Settlements implements Desk {
  readonly #options: SettlementsOptions

  constructor(options: SettlementsOptions) {
    this.#options = options
  }

  ack(delivery: RabbitDelivery): Promise<boolean> {
    return this.#ack(delivery) ? WRITTEN : NOT_WRITTEN
  }

  async settle(delivery: RabbitDelivery, outcome: Outcome): Promise<boolean> {
    const { names } = this.#options
    switch (outcome.kind) {
      case 'ack':
        return this.#ack(delivery)
      case 'release':
        return this.#release(delivery)
      case 'retry':
        return this.#replace(
          delivery,
          retryCopy(delivery.message, { ...outcome, delayMs: this.#rung(outcome.delayMs) }, names),
        )
      case 'dead':
        return this.#replace(delivery, deadCopy(delivery.message, outcome, names, Date.now()))
    }
  }

  /** Moves a job that came back too often to the suspects queue. Nothing was counted against it there yet. */
  async move(delivery: RabbitDelivery): Promise<void> {
    const { message } = delivery
    const { names, observe } = this.#options
    delivery.claim()
    if (await this.#replace(delivery, suspectCopy(message, 0, names))) {
      observe({ name: 'suspect', action: 'moved', message, crashes: message.returns })
    }
  }

  /** Dead-letters a suspect that has taken too many workers with it. */
  async condemn(delivery: RabbitDelivery): Promise<void> {
    const { message } = delivery
    const { names, observe } = this.#options
    delivery.claim()
    const error = `${message.crashes} workers vanished while they ran this job alone`
    const copy = deadCopy(message, { kind: 'dead', reason: 'crash-loop', error }, names, Date.now())
    if (!(await this.#replace(delivery, copy))) return
    observe({ name: 'suspect', action: 'condemned', message, crashes: message.crashes })
    observe({ name: 'dead', message, reason: 'crash-loop' })
  }

  /** Gives back what was taken to be settled and could not be, where that costs nothing. */
  giveUp(delivery: RabbitDelivery): void {
    if (nackIsFree(this.#options.version())) delivery.epoch.release(delivery)
  }

  #ack(delivery: RabbitDelivery): boolean {
    if (!delivery.epoch.ack(delivery)) return this.#late(delivery)
    this.#options.onSettled(delivery)
    return true
  }

  async #replace(delivery: RabbitDelivery, copy: Copy): Promise<boolean> {
    if (delivery.lease.aborted || !delivery.epoch.alive) return this.#late(delivery)
    return (await this.#options.outbox.write(delivery, copy)) ? this.#ack(delivery) : false
  }

  /**
   * An interruption must not be a step towards suspicion. Where a nack counts as a delivery, a job that has been
   * counted once already, and every suspect, goes back as a copy instead.
   */
  async #release(delivery: RabbitDelivery): Promise<boolean> {
    const { message, isSuspect } = delivery
    const { names, version } = this.#options
    if (!nackIsFree(version()) && (isSuspect || message.returns > 0)) {
      const copy = isSuspect ? suspectCopy(message, message.crashes, names) : releaseCopy(message, names)
      return this.#replace(delivery, copy)
    }
    if (!delivery.epoch.release(delivery)) return this.#late(delivery)
    this.#options.onSettled(delivery)
    return true
  }

  #late(delivery: RabbitDelivery): false {
    this.#options.observe({ name: 'late-settlement', message: delivery.message })
    return false
  }

  /** The pool names a rung; a delay that is none (a ladder that changed) takes the nearest. */
  #rung(delayMs: number): number {
    const ladder = this.#options.settings.retryLadderMs
    return ladder.reduce((best, rung) => (Math.abs(rung - delayMs) < Math.abs(best - delayMs) ? rung : best))
  }
}
