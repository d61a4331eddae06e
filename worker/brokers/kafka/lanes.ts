/** Which records wait for which: those of the same key, all of the partition, or none. */
export type Order = 'key' | 'partition' | 'none'

/** A key, or a number that stands for it; keys that share one wait for each other. */
export type LaneKey = string | number

/** Whether a record that is free to start may do so. */
export type Allows<T> = (offset: number, record: T) => boolean

/** A record that was taken; to be handed back to `settled`, or to `giveBack`. */
export interface Taken<T> {
  readonly offset: number
  readonly record: T
}

/**
 * The records of one partition that were fetched and not yet started, and which of them may start now.
 *
 * - `key`: a record may start when all before it with its key have settled; records without a key wait for none.
 *   `partition`: when all before it have settled. `none`: at once.
 * - Records that may start are taken first come, first served, by when that came to be so; or the lowest offset first,
 *   with `takeOldest`.
 * - Constant time a record. Memory is what waits, what runs, and a lane for each key of these.
 */
export class Lanes<T> {
  readonly #order: Order
  readonly #lanes = new Map<LaneKey, Lane<T>>()
  #whole: Lane<T> | undefined
  // Both lists run through the slots themselves: a record leaves them from anywhere, and leaves nothing behind.
  #oldest: Slot<T> | undefined
  #newest: Slot<T> | undefined
  #freeFirst: Slot<T> | undefined
  #freeLast: Slot<T> | undefined
  #size = 0
  #drops = 0

  constructor(order: Order) {
    this.#order = order
  }

  /** Records that wait, free to start or not. */
  get size(): number {
    return this.#size
  }

  /** True when a record that waits is free to start. */
  get hasFree(): boolean {
    return this.#freeFirst !== undefined
  }

  /** The lowest offset that waits, free to start or not. */
  get oldest(): number | undefined {
    return this.#oldest?.offset
  }

  /** The record at the lowest offset that waits. */
  get oldestRecord(): T | undefined {
    return this.#oldest?.record
  }

  /** Lanes with a record that waits or runs; records that wait for none have no lane. */
  get lanes(): number {
    return this.#lanes.size + (this.#whole === undefined ? 0 : 1)
  }

  /** A record was fetched. Offsets rise. */
  add(offset: number, key: LaneKey | undefined, record: T): void {
    const lane = this.#laneOf(key)
    const slot = new Slot(offset, record, lane, this.#drops)
    this.#wait(slot)
    const before = lane?.last
    if (lane !== undefined) lane.last = slot
    if (before === undefined) this.#free(slot)
    else before.successor = slot
  }

  /**
   * Takes the record that has been free to start for the longest; where `allows` refuses its offset, the lowest that
   * waits, if that one is free and allowed. Undefined when nothing may start.
   */
  take(allows: Allows<T> = always): Taken<T> | undefined {
    const first = this.#freeFirst
    if (first === undefined) return undefined
    return allows(first.offset, first.record) ? this.#remove(first) : this.takeOldest(allows)
  }

  /** Takes the lowest offset that waits, if it is free to start and allowed. */
  takeOldest(allows: Allows<T> = always): Taken<T> | undefined {
    const oldest = this.#oldest
    return oldest?.free === true && allows(oldest.offset, oldest.record) ? this.#remove(oldest) : undefined
  }

  /** A record that was taken has not run: it waits again where it did, and is the next to be taken. */
  giveBack(taken: Taken<T>): void {
    const slot = taken as Slot<T>
    if (slot.settled || slot.drops !== this.#drops) return
    let older: Slot<T> | undefined
    let newer = this.#oldest
    while (newer !== undefined && newer.offset < slot.offset) {
      older = newer
      newer = newer.newer
    }
    slot.older = older
    slot.newer = newer
    if (older === undefined) this.#oldest = slot
    else older.newer = slot
    if (newer === undefined) this.#newest = slot
    else newer.older = slot
    this.#size++
    slot.free = true
    slot.freeAfter = this.#freeFirst
    if (this.#freeFirst === undefined) this.#freeLast = slot
    else this.#freeFirst.freeBefore = slot
    this.#freeFirst = slot
  }

  /** A record that was taken is done, or its copy is durable elsewhere: the next of its lane is free to start. */
  settled(taken: Taken<T>): void {
    const slot = taken as Slot<T>
    const { lane, successor } = slot
    if (slot.settled || slot.drops !== this.#drops) return
    slot.settled = true
    if (lane === undefined) return
    if (successor !== undefined) this.#free(successor)
    else if (lane.key === undefined) this.#whole = undefined
    else this.#lanes.delete(lane.key)
  }

  /** The partition is lost: forgets all, and gives back what waited, in order. What runs settles to no effect. */
  drop(): T[] {
    const dropped: T[] = []
    for (let slot = this.#oldest; slot !== undefined; slot = slot.newer) dropped.push(slot.record)
    this.#lanes.clear()
    this.#whole = undefined
    this.#oldest = undefined
    this.#newest = undefined
    this.#freeFirst = undefined
    this.#freeLast = undefined
    this.#size = 0
    this.#drops++
    return dropped
  }

  #laneOf(key: LaneKey | undefined): Lane<T> | undefined {
    if (this.#order === 'partition') return (this.#whole ??= new Lane(undefined))
    if (this.#order === 'none' || key === undefined) return undefined
    const known = this.#lanes.get(key)
    if (known !== undefined) return known
    const lane = new Lane<T>(key)
    this.#lanes.set(key, lane)
    return lane
  }

  #wait(slot: Slot<T>): void {
    slot.older = this.#newest
    if (this.#newest === undefined) this.#oldest = slot
    else this.#newest.newer = slot
    this.#newest = slot
    this.#size++
  }

  #free(slot: Slot<T>): void {
    slot.free = true
    slot.freeBefore = this.#freeLast
    if (this.#freeLast === undefined) this.#freeFirst = slot
    else this.#freeLast.freeAfter = slot
    this.#freeLast = slot
  }

  #remove(slot: Slot<T>): Slot<T> {
    const { older, newer, freeBefore, freeAfter } = slot
    if (older === undefined) this.#oldest = newer
    else older.newer = newer
    if (newer === undefined) this.#newest = older
    else newer.older = older
    if (freeBefore === undefined) this.#freeFirst = freeAfter
    else freeBefore.freeAfter = freeAfter
    if (freeAfter === undefined) this.#freeLast = freeBefore
    else freeAfter.freeBefore = freeBefore
    // A taken slot lives as long as its job: it must not hold its old neighbours.
    slot.older = slot.newer = slot.freeBefore = slot.freeAfter = undefined
    slot.free = false
    this.#size--
    return slot
  }
}

/** Records of which one runs at a time. It exists while one waits or runs. */
class Lane<T> {
  readonly key: LaneKey | undefined
  last: Slot<T> | undefined

  constructor(key: LaneKey | undefined) {
    this.key = key
  }
}

class Slot<T> implements Taken<T> {
  readonly offset: number
  readonly record: T
  readonly lane: Lane<T> | undefined
  /** How often all was dropped before it came. */
  readonly drops: number
  successor: Slot<T> | undefined
  older: Slot<T> | undefined
  newer: Slot<T> | undefined
  freeBefore: Slot<T> | undefined
  freeAfter: Slot<T> | undefined
  free = false
  settled = false

  constructor(offset: number, record: T, lane: Lane<T> | undefined, drops: number) {
    this.offset = offset
    this.record = record
    this.lane = lane
    this.drops = drops
  }
}

function always(): boolean {
  return true
}
