import { LeaseLostError } from '../../errors.ts'
import { nameOf, type TopicPartition } from './assignment.ts'
import { CrashWatch } from './crash-watch.ts'
import type { Fetched } from './fetch.ts'
import { Lanes, type Order, type Taken } from './lanes.ts'
import { decode, type Marks } from './metadata.ts'
import { type Commit, Offsets } from './offsets.ts'
import type { LogRecord } from './record.ts'
import { Stock } from './stock.ts'

export interface PartitionOptions extends TopicPartition {
  /** Where to begin: what was committed, or an edge of the log. */
  readonly position: number
  /** What was committed with the position. */
  readonly metadata: string | null
  readonly order: Order
  /** Records wait this long after they were written. 0 for a topic of fresh jobs. */
  readonly delayMs: number
  readonly maxSpan: number
  readonly crashLimit: number
  /** See `CrashWatchOptions`. */
  readonly reach: number
  /** 1 + the highest offset that this process has handed out before. */
  readonly reached: number
}

const NEVER = Number.POSITIVE_INFINITY

/** One partition from its assignment to the loss of it: what of it is fetched, may start, is finished and committed. */
export class Partition implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly name: string
  readonly delayMs: number
  /** Aborts when the partition is lost. */
  readonly lease: AbortSignal
  /** Records below it were handed out by this process before. */
  readonly againBelow: number
  /** Why the commit's metadata were of no use, where they were not. */
  readonly fault: string | undefined
  readonly #options: PartitionOptions
  readonly #offsets: Offsets
  readonly #stock: Stock
  readonly #lanes: Lanes<LogRecord>
  readonly #isKeyed: boolean
  readonly #isSerial: boolean
  readonly #lease = new AbortController()
  #watch: CrashWatch
  #marks: Marks
  #reached: number
  #ended = false
  #dueAt = NEVER
  #asksForCommit = false
  #nowMs = 0

  constructor(options: PartitionOptions) {
    const { topic, partition, position, metadata, delayMs, order, maxSpan } = options
    const { finished, marks, fault } = decode(position, metadata)
    this.topic = topic
    this.partition = partition
    this.name = nameOf(options)
    this.delayMs = delayMs
    this.fault = fault
    this.#options = options
    this.lease = this.#lease.signal
    this.#offsets = new Offsets({ position, finished, maxSpan })
    this.#stock = new Stock(position)
    // A record that is tried again has left the order of its key already.
    this.#lanes = new Lanes(delayMs > 0 ? 'none' : order)
    this.#isKeyed = delayMs === 0 && order === 'key'
    this.#isSerial = delayMs === 0 && order === 'partition'
    this.againBelow = options.reached
    this.#reached = options.reached
    this.#marks = marks
    this.#watch = this.#newWatch()
  }

  /** The next offset to fetch. */
  get next(): number {
    return this.#stock.next
  }

  /** See `Stock`. */
  get isQuiet(): boolean {
    return this.#stock.isQuiet
  }

  /** True while there is something fetched and not yet taken. */
  get isWaiting(): boolean {
    return this.#lanes.size > 0 || !this.#stock.isDecoded
  }

  /** 1 + the highest offset that this process has handed out. */
  get reached(): number {
    return this.#reached
  }

  get uncommitted(): number {
    return this.#offsets.uncommitted
  }

  get isolated(): boolean {
    return this.#watch.isolated
  }

  /** True while nothing else may run in the process. */
  get holds(): boolean {
    return this.#watch.holds
  }

  /** True when a record could not start for want of a commit, since this was asked last. */
  askedForCommit(): boolean {
    const asked = this.#asksForCommit
    this.#asksForCommit = false
    return asked
  }

  /** When the record is due that `take` refused last, in ms since the epoch. */
  get dueAt(): number {
    return this.#dueAt
  }

  get dirty(): boolean {
    return this.#offsets.dirty || (!this.#ended && this.#watch.dirty(this.#offsets.position))
  }

  /** True when the oldest record that waits is due. */
  isDue(nowMs: number): boolean {
    const record = this.#lanes.oldestRecord
    return record !== undefined && this.#isDue(record, nowMs)
  }

  /** True while more should be fetched, where `limit` bytes may wait. */
  isHungry(limit: number): boolean {
    return !this.#ended && !this.#offsets.full && this.#stock.isHungry(limit)
  }

  /** See `Stock`. */
  lastsMs(limit: number, nowMs: number): number {
    return this.#stock.lastsMs(limit, nowMs)
  }

  /** Takes over what was fetched from `next` on. */
  deliver(fetched: Fetched): void {
    if (!this.#ended && this.#stock.add(fetched)) this.#decode()
  }

  /** The next record that may start at `nowMs`, unless they have to run alone. @throws RangeError where one is cut off */
  take(nowMs: number): Taken<LogRecord> | undefined {
    this.#dueAt = NEVER
    this.#decode()
    // The first record may tell that they do.
    if (this.#watch.isolated) return undefined
    this.#nowMs = nowMs
    const taken = this.#lanes.take(this.#allows)
    return taken === undefined ? undefined : this.#handOut(taken)
  }

  /** While it is isolated and nothing runs in the process: the next record to start, or to condemn. */
  takeAlone(nowMs: number): { taken: Taken<LogRecord>; condemned: boolean } | undefined {
    let condemned = false
    this.#dueAt = NEVER
    this.#decode()
    const taken = this.#lanes.takeOldest((offset, record) => {
      if (!this.#isDue(record, nowMs)) return false
      const admission = this.#watch.admit(offset, this.#offsets.position)
      if (admission === 'commit') this.#asksForCommit = true
      condemned = admission === 'condemn'
      return condemned || admission === 'start'
    })
    return taken === undefined ? undefined : { taken: this.#handOut(taken), condemned }
  }

  /** The record is done, or its copy is durable elsewhere. False: the partition was lost first. */
  finish(taken: Taken<LogRecord>): boolean {
    if (this.#ended) return false
    this.#offsets.finished(taken.offset)
    this.#watch.settled(taken.offset)
    this.#lanes.settled(taken)
    return true
  }

  /** The record has not run: it waits again. False: the partition was lost first. */
  giveBack(taken: Taken<LogRecord>): boolean {
    if (this.#ended) return false
    this.#stock.giveBack(taken.record.size)
    this.#lanes.giveBack(taken)
    this.#watch.begin(this.#stock.logEnd)
    return true
  }

  commit(): Commit | undefined {
    return this.#offsets.commit((position) => this.#watch.marksAt(position))
  }

  committed(commit: Commit): void {
    this.#marks = commit.marks
    this.#offsets.committed(commit)
    this.#watch.committed(commit.marks, commit.position)
  }

  /** Before another may own it: nothing more starts, and the next commit withdraws what marks this owner as at work. */
  leave(): void {
    this.#watch.leave()
  }

  /** Nobody else came to own it after all. */
  stay(): void {
    this.#watch = this.#newWatch()
    if (this.#lanes.size > 0) this.#watch.begin(this.#stock.logEnd)
  }

  /** The broker has given it to another, or may have. */
  lose(reason: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.#offsets.end()
    // Jobs may outlive the loss by hours.
    this.#lanes.eachHeld(detach)
    this.#lanes.drop()
    this.#stock.clear()
    this.#lease.abort(reason instanceof LeaseLostError ? reason : new LeaseLostError(undefined, { cause: reason }))
  }

  /** Decodes until a record waits that is free to start. Not more: each costs some objects while it waits. */
  #decode(): void {
    while (this.#isSerial ? this.#lanes.size === 0 : !this.#lanes.hasFree) {
      const read = this.#stock.read()
      if (read === undefined) return
      if (typeof read === 'number') {
        this.#offsets.seenUpTo(read - 1)
        // Most have settled by now, and need no copy.
        this.#lanes.eachHeld(detach)
      } else {
        this.#add(read)
      }
    }
  }

  #add(record: LogRecord): void {
    // A batch is fetched whole, also what lies before the offset that was asked for.
    if (record.offset < this.#offsets.next || !this.#offsets.delivered(record.offset)) {
      this.#stock.skip(record.size)
      return
    }
    this.#lanes.add(record.offset, this.#isKeyed ? record.lane : undefined, record)
    this.#watch.begin(this.#stock.logEnd)
  }

  #handOut(taken: Taken<LogRecord>): Taken<LogRecord> {
    this.#stock.use(taken.record.size)
    if (taken.offset >= this.#reached) this.#reached = taken.offset + 1
    // What is fetched counts from its first record that waits.
    if (this.#lanes.size === 0) this.#decode()
    return taken
  }

  #allows = (offset: number, record: LogRecord): boolean => {
    if (!this.#offsets.allows(offset) || !this.#isDue(record, this.#nowMs)) return false
    const admission = this.#watch.admit(offset, this.#offsets.position)
    if (admission === 'commit') this.#asksForCommit = true
    return admission === 'start'
  }

  #isDue(record: LogRecord, nowMs: number): boolean {
    if (this.delayMs === 0) return true
    const dueAt = record.timestamp + this.delayMs
    if (dueAt > nowMs) this.#dueAt = Math.min(this.#dueAt, dueAt)
    return dueAt <= nowMs
  }

  #newWatch(): CrashWatch {
    const { crashLimit, reach } = this.#options
    return new CrashWatch({ restored: this.#marks, crashLimit, reach })
  }
}

function detach(record: LogRecord): boolean {
  return record.detach()
}
