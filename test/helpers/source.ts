import type { Deliveries, Delivery, DeliveryIterator, Message, Outcome } from '../../worker/contracts.ts'

/** A message with sensible fields, for tests that need no broker. */
function messageOf(fields: Partial<Message> = {}): Message {
  return {
    id: '1',
    idDerived: false,
    type: 'job',
    body: Buffer.from('{}'),
    headers: {},
    attempt: 1,
    redelivered: false,
    ...fields,
  }
}

/** A delivery that records how it was settled. */
export class FakeDelivery implements Delivery {
  readonly message: Message
  readonly lease: AbortSignal
  readonly settled: Promise<Outcome>
  readonly #written: Promise<boolean>
  outcomes: Outcome[] = []
  #settle!: (outcome: Outcome) => void

  /** `written`: what settling it returns while the lease holds. */
  constructor(
    message: Partial<Message> = {},
    lease: AbortSignal = new AbortController().signal,
    written: Promise<boolean> = Promise.resolve(true),
  ) {
    this.#written = written
    this.message = messageOf(message)
    this.lease = lease
    this.settled = new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  settle(outcome: Outcome): Promise<boolean> {
    this.outcomes.push(outcome)
    this.#settle(outcome)
    return this.lease.aborted ? Promise.resolve(false) : this.#written
  }
}

/** Deliveries that a test hands out one by one; `pulled` counts how many were asked for. */
export class FakeSource implements Deliveries {
  pulled = 0
  readonly #polls: boolean
  readonly #queue: Delivery[] = []
  #wake: (() => void) | undefined
  #ended = false

  /** With `polls`, what is there can be had without waiting. */
  constructor({ polls = false } = {}) {
    this.#polls = polls
  }

  push(...deliveries: Delivery[]): void {
    this.#queue.push(...deliveries)
    this.#wake?.()
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  [Symbol.asyncIterator](): DeliveryIterator {
    const iterator = this.#iterate()
    return this.#polls ? Object.assign(iterator, { poll: () => this.#poll() }) : iterator
  }

  #poll(): Delivery | undefined {
    const delivery = this.#queue.shift()
    if (delivery !== undefined) this.pulled++
    return delivery
  }

  async *#iterate(): AsyncGenerator<Delivery> {
    for (;;) {
      this.pulled++
      while (this.#queue.length === 0) {
        if (this.#ended) return
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
      yield this.#queue.shift()!
    }
  }
}
