/**
 * The bridge from a broker that pushes to a worker that pulls: what was pushed is yielded in order, one a pull.
 * It has no limit of its own; the broker's prefetch is the limit. Serves one reader, who may pull ahead.
 */
export class Inbox<T> implements AsyncIterableIterator<T> {
  #items: T[] = []
  #head = 0
  #readers: ((result: IteratorResult<T>) => void)[] = []
  #paused = false
  #ended = false

  /** Waiting to be pulled. */
  get size(): number {
    return this.#items.length - this.#head
  }

  get ended(): boolean {
    return this.#ended
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Hands `item` to a waiting reader or keeps it. False once ended: the item was not taken. */
  push(item: T): boolean {
    if (this.#ended) return false
    if (this.#readers.length > 0 && !this.#paused) this.#readers.shift()!({ value: item, done: false })
    else this.#items.push(item)
    return true
  }

  /** Yields nothing until `resume`; what is pushed meanwhile is kept. */
  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    while (this.#readers.length > 0 && this.size > 0) this.#readers.shift()!({ value: this.#take(), done: false })
  }

  /** Takes out, unyielded, what `test` names. */
  remove(test: (item: T) => boolean): T[] {
    const removed: T[] = []
    const kept: T[] = []
    for (let at = this.#head; at < this.#items.length; at++) {
      const item = this.#items[at]!
      if (test(item)) removed.push(item)
      else kept.push(item)
    }
    this.#items = kept
    this.#head = 0
    return removed
  }

  /** Ends the iteration at once, also when paused, and returns what was not yielded. A second call returns nothing. */
  end(): T[] {
    this.#ended = true
    const left = this.remove(() => true)
    for (const reader of this.#readers.splice(0)) reader({ value: undefined, done: true })
    return left
  }

  /** The next item where it is here already. */
  poll(): T | undefined {
    return this.#ended || this.#paused || this.size === 0 ? undefined : this.#take()
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#ended) return Promise.resolve({ value: undefined, done: true })
    if (this.size > 0 && !this.#paused) return Promise.resolve({ value: this.#take(), done: false })
    return new Promise((resolve) => this.#readers.push(resolve))
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #take(): T {
    const item = this.#items[this.#head]!
    this.#items[this.#head++] = undefined as T
    if (this.#head === this.#items.length) {
      this.#items = []
      this.#head = 0
    } else if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }
}
