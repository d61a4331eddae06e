import { type Delivery, NOT_WRITTEN, type Outcome } from '../../contracts.ts'
import type { Taken } from './lanes.ts'
import type { KafkaMessage } from './message.ts'
import type { Partition } from './partition.ts'
import type { LogRecord } from './record.ts'

/** Who carries out what becomes of deliveries. */
export interface Desk {
  settle(delivery: KafkaDelivery, outcome: Outcome): Promise<boolean>
}

/** One record on loan, for as long as its partition is. */
export class KafkaDelivery implements Delivery {
  readonly message: KafkaMessage
  readonly partition: Partition
  readonly taken: Taken<LogRecord>
  readonly #desk: Desk
  #settled = false

  constructor(message: KafkaMessage, partition: Partition, taken: Taken<LogRecord>, desk: Desk) {
    this.message = message
    this.partition = partition
    this.taken = taken
    this.#desk = desk
  }

  get lease(): AbortSignal {
    return this.partition.lease
  }

  settle(outcome: Outcome): Promise<boolean> {
    if (this.#settled) return NOT_WRITTEN
    this.#settled = true
    return this.#desk.settle(this, outcome)
  }
}
