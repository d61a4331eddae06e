import type { TidemillError } from '../../errors.ts'
import { Fifo } from '../fifo.ts'
import { fullJitter } from '../waiting.ts'
import type { Copy } from './copy.ts'
import { sizeBound } from './record-batch.ts'

/** A record on its way. */
export interface Pending {
  readonly copy: Copy
  readonly resolve: () => void
  readonly reject: (error: TidemillError) => void
  /** When it was asked for. */
  readonly since: number
  /** When it was first written. */
  writtenAt: number | undefined
  /** The error code of the last refusal. */
  code: number | undefined
  settled: boolean
}

const MAX_RECORDS = 1_000
/** Below the largest batch that a topic takes where nobody has changed it: 1,048,588 bytes. */
const MAX_BYTES = 1_000_000
const BASE_DELAY_MS = 50
const MAX_DELAY_MS = 2_000

/** The records for one partition, in order. One batch of them is under way at a time. */
export class PublishLane {
  readonly topic: string
  readonly partition: number
  /** True while a batch is under way. */
  busy = false
  /** Nothing is sent before that, by `performance.now()`. */
  notBefore = 0
  readonly #waiting = new Fifo<Pending>()
  /** Those that were sent in vain go first. */
  #again: Pending[] = []
  #most = MAX_RECORDS
  #failures = 0

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  get size(): number {
    return this.#waiting.size + this.#again.length
  }

  push(pending: Pending): void {
    this.#waiting.push(pending)
  }

  /** The next batch: what fits, but at least one. Empty when all that waited was given up. */
  take(): Pending[] {
    const batch: Pending[] = []
    let bytes = 0
    while (batch.length < this.#most) {
      const next = this.#front()
      if (next === undefined) break
      bytes += sizeBound(next.copy)
      if (bytes > MAX_BYTES && batch.length > 0) break
      batch.push(next)
      this.#drop()
    }
    return batch
  }

  /** All that waits is given up. */
  clear(): Pending[] {
    const all: Pending[] = []
    for (let next = this.#front(); next !== undefined; next = this.#front()) {
      all.push(next)
      this.#drop()
    }
    return all
  }

  /** The batch was taken by the broker. */
  succeeded(): void {
    this.#failures = 0
    this.#most = Math.min(MAX_RECORDS, this.#most * 2)
  }

  /** The batch has to be sent again, after a while. */
  failed(batch: readonly Pending[], now: number): void {
    this.#again = [...batch, ...this.#again]
    this.notBefore = now + BASE_DELAY_MS / 2 + fullJitter(this.#failures++, BASE_DELAY_MS, MAX_DELAY_MS)
  }

  /** A record of the batch is at fault: from now on fewer go together. */
  split(batch: readonly Pending[]): void {
    this.#again = [...batch, ...this.#again]
    this.#most = Math.max(1, batch.length >> 1)
  }

  #front(): Pending | undefined {
    while (this.#again[0]?.settled) this.#again.shift()
    if (this.#again.length > 0) return this.#again[0]
    while (this.#waiting.front?.settled) this.#waiting.shift()
    return this.#waiting.front
  }

  #drop(): void {
    if (this.#again.length > 0) this.#again.shift()
    else this.#waiting.shift()
  }
}
