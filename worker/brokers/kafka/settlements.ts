import { type BrokerSettings, type Outcome, type WorkerEvent, WRITTEN } from '../../contracts.ts'
import type { Outbox } from '../outbox.ts'
import type { Committer } from './committer.ts'
import { type Copy, deadCopy, retryCopy } from './copy.ts'
import type { Desk, KafkaDelivery } from './delivery.ts'
import type { Topics } from './names.ts'
import type { Schedule } from './schedule.ts'

export interface SettlementsOptions {
  readonly settings: BrokerSettings
  readonly topics: Topics
  readonly outbox: Outbox<Copy>
  readonly schedule: Schedule
  readonly committer: Committer
  readonly observe: (event: WorkerEvent) => void
  /** A record is in hand no more. */
  readonly onSettled: () => void
}

/** Carries out what becomes of records: they finish, once their copy is durable where they have one, or wait again. */
export class Settlements implements Desk {
  readonly #options: SettlementsOptions

  constructor(options: SettlementsOptions) {
    this.#options = options
  }

  settle(delivery: KafkaDelivery, outcome: Outcome): Promise<boolean> {
    if (outcome.kind !== 'ack' || delivery.partition.lease.aborted) return this.#settle(delivery, outcome)
    this.#finish(delivery)
    this.#done()
    return WRITTEN
  }

  /** Dead-letters a record that has taken too many workers with it. */
  async condemn(delivery: KafkaDelivery): Promise<void> {
    const { message } = delivery
    const { observe, settings } = this.#options
    const crashes = settings.crashLimit
    const error = `${crashes} workers vanished while they ran this job alone`
    if (!(await delivery.settle({ kind: 'dead', reason: 'crash-loop', error }))) return
    observe({ name: 'suspect', action: 'condemned', message, crashes })
    observe({ name: 'dead', message, reason: 'crash-loop' })
  }

  async #settle(delivery: KafkaDelivery, outcome: Outcome): Promise<boolean> {
    const { partition, taken, message, lease } = delivery
    const isWritten = !lease.aborted && (await this.#carryOut(delivery, outcome))
    if (isWritten && outcome.kind === 'release') partition.giveBack(taken)
    if (!isWritten && lease.aborted && outcome.kind !== 'release') {
      this.#options.observe({ name: 'late-settlement', message })
    }
    this.#done()
    return isWritten
  }

  async #carryOut(delivery: KafkaDelivery, outcome: Outcome): Promise<boolean> {
    const { topics, outbox } = this.#options
    const { message } = delivery
    if (outcome.kind === 'ack' || outcome.kind === 'release') return true
    const copy =
      outcome.kind === 'retry'
        ? retryCopy(message, { ...outcome, delayMs: this.#rung(outcome.delayMs) }, topics)
        : deadCopy(message, outcome, topics, Date.now())
    return (await outbox.write(delivery, copy)) && this.#finish(delivery)
  }

  #finish({ partition, taken }: KafkaDelivery): boolean {
    if (!partition.finish(taken)) return false
    const { schedule, committer } = this.#options
    schedule.finished()
    // Nothing else runs until the broker knows of its end.
    if (partition.isolated) committer.soon()
    else committer.note(schedule.uncommitted)
    return true
  }

  #done(): void {
    this.#options.schedule.settled()
    this.#options.onSettled()
  }

  /** The pool names a rung; a delay that is none (a ladder that changed) takes the nearest. */
  #rung(delayMs: number): number {
    const ladder = this.#options.settings.retryLadderMs
    return ladder.reduce((best, rung) => (Math.abs(rung - delayMs) < Math.abs(best - delayMs) ? rung : best))
  }
}
