import type { Fetched } from './fetch.ts'
import { Pace } from './pace.ts'
import type { LogRecord } from './record.ts'
import type { RecordBatch } from './records.ts'

/** What of one partition was fetched ahead: how much it is, for how long it lasts, and its records, decoded one by one when they are asked for. */
export class Stock {
  /** Not yet decoded, with what each fetch covers behind its last batch. */
  readonly #fetched: (RecordBatch | { readonly end: number })[] = []
  readonly #pace = new Pace()
  #next: number
  #logEnd = 0
  #bytes = 0
  #isHungry = true
  #broughtNothing = false

  /** `position`: the first offset to fetch. */
  constructor(position: number) {
    this.#next = position
  }

  /** The next offset to fetch. */
  get next(): number {
    return this.#next
  }

  /** 1 + the highest offset that the broker told of. */
  get logEnd(): number {
    return this.#logEnd
  }

  /** True when all that was fetched is decoded. */
  get isDecoded(): boolean {
    return this.#fetched.length === 0
  }

  /** True when nothing is left and the last fetch brought nothing. */
  get isQuiet(): boolean {
    return this.#broughtNothing && this.#bytes === 0
  }

  /** True while more should be fetched: from half of `limit` bytes down, until there is as much again. */
  isHungry(limit: number): boolean {
    if (this.#bytes >= limit) this.#isHungry = false
    else if (this.#bytes <= limit / 2) this.#isHungry = true
    return this.#isHungry
  }

  /** In how many ms it will be hungry, as it is used now; Infinity where it is that already. */
  lastsMs(limit: number, nowMs: number): number {
    const left = this.#bytes - limit / 2
    return left > 0 ? this.#pace.lastsMs(left, nowMs) : Number.POSITIVE_INFINITY
  }

  /** Takes over what was fetched from `next` on. False where it is nothing new. */
  add({ batches, end, logEnd }: Fetched): boolean {
    this.#broughtNothing = batches.length === 0
    if (end === undefined || end <= this.#next) return false
    for (const batch of batches) {
      this.#fetched.push(batch)
      this.#bytes += batch.bytes
    }
    this.#fetched.push({ end })
    this.#next = end
    this.#logEnd = Math.max(this.#logEnd, logEnd)
    return true
  }

  /** The next record; or, when those of a fetch are through, the offset up to which it reached. @throws RangeError where one is cut off */
  read(): LogRecord | number | undefined {
    for (let first = this.#fetched[0]; first !== undefined; first = this.#fetched[0]) {
      if ('end' in first) {
        this.#fetched.shift()
        return first.end
      }
      const record = first.next()
      if (record !== undefined) return record
      this.#fetched.shift()
    }
    return undefined
  }

  /** A record was taken. */
  use(bytes: number): void {
    this.#bytes -= bytes
    this.#pace.use(bytes)
  }

  /** A record need not be taken. */
  skip(bytes: number): void {
    this.#bytes -= bytes
  }

  /** A record that was taken waits again. */
  giveBack(bytes: number): void {
    this.#bytes += bytes
  }

  clear(): void {
    this.#fetched.length = 0
    this.#bytes = 0
  }
}
