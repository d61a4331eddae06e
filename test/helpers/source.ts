import type { Delivery, Message, Outcome } from '../../worker/contracts.ts'

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
  outcomes: Outcome[] = []
  #settle!: (outcome: Outcome) => void

  constructor(message: Partial<Message> = {}, lease: AbortSignal = new AbortController().signal) {
    this.message = messageOf(message)
    this.lease = lease
    this.settled = new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  settle(outcome: Outcome): Promise<boolean> {
    this.outcomes.push(outcome)
    this.#settle(outcome)
    return Promise.resolve(!this.lease.aborted)
  }
}

/** Deliveries that a test hands out one by one; `pulled` counts how many were asked for. */
export class FakeSource implements AsyncIterable<Delivery> {
  pulled = 0
  readonly #queue: Delivery[] = []
  #wake: (() => void) | undefined
  #ended = false

  push(...deliveries: Delivery[]): void {
    this.#queue.push(...deliveries)
    this.#wake?.()
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Delivery> {
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
