import type { Deliveries, Delivery, Source } from './contracts.ts'

/**
 * A source that yields one job and ends: from its yielding on nothing more is fetched, so that no other job is taken and
 * given back. Ends without one when none came for `idleTimeoutMs` while it was consuming; a broker that is down is waited for.
 */
export class OneJob implements Source {
  readonly #source: Source
  readonly #idleTimeoutMs: number
  #timer: NodeJS.Timeout | undefined

  constructor(source: Source, idleTimeoutMs: number) {
    this.#source = source
    this.#idleTimeoutMs = idleTimeoutMs
  }

  get ready(): boolean {
    return this.#source.ready
  }

  deliveries(): Deliveries {
    return { [Symbol.asyncIterator]: () => this.#first() }
  }

  stop(): Promise<void> {
    clearTimeout(this.#timer)
    return this.#source.stop()
  }

  close(): Promise<void> {
    clearTimeout(this.#timer)
    return this.#source.close()
  }

  async *#first(): AsyncGenerator<Delivery, undefined> {
    const deliveries = this.#source.deliveries()[Symbol.asyncIterator]()
    this.#waitOn()
    const pulled = await deliveries.next()
    clearTimeout(this.#timer)
    const stopping = this.#source.stop()
    if (!pulled.done) yield pulled.value
    await stopping
    return undefined
  }

  #waitOn(): void {
    this.#timer = setTimeout(() => {
      if (this.#source.ready) void this.#source.stop()
      else this.#waitOn()
    }, this.#idleTimeoutMs)
  }
}
