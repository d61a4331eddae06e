/** Which records wait for which: those of the same key, all of the partition, or none. */
export type Order = 'key' | 'partition' | 'none'

/** A small integer of at least 0 that stands for a key; keys that share one wait for each other. */
export type LaneKey = number

/** A power of two. Lanes are looked for in the list of one in so many. */
const BUCKETS = 1024
/** The lane of all, where the order is that of the partition. */
const WHOLE: LaneKey = 0
const NO_LANE = -1

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
 * - Constant time a record. Memory is what waits and what runs.
 */
export class Lanes<T> {
  readonly #order: Order
  /** The last slot of each lane, in lists by its key's low bits: a `Map` would cost an object and two changes a record. */
  readonly #lanes = new Array<Slot<T> | undefined>(BUCKETS).fill(undefined)
  #laneCount = 0
  // All lists run through the slots themselves: a record leaves them from anywhere, and leaves nothing behind.
  #oldest: Slot<T> | undefined
  #newest: Slot<T> | undefined
  #freeFirst: Slot<T> | undefined
  #freeLast: Slot<T> | undefined
  #taken: Slot<T> | undefined
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
    return this.#laneCount
  }

  /** A record was fetched. Offsets rise. */
  add(offset: number, key: LaneKey | undefined, record: T): void {
    const slot = new Slot(offset, record, this.#laneOf(key), this.#drops)
    this.#wait(slot)
    const before = slot.lane === NO_LANE ? undefined : this.#follow(slot)
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
    this.#untake(slot)
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
    this.#untake(slot)
    if (successor !== undefined) {
      slot.successor = undefined
      this.#free(successor)
    } else if (lane !== NO_LANE) {
      this.#endLane(slot)
    }
  }

  /**
   * Visits what waits, from the highest offset down until `visit` returns false, and then all that was taken and has not
   * settled.
   */
  eachHeld(visit: (record: T) => boolean): void {
    for (let slot = this.#newest; slot !== undefined && visit(slot.record); slot = slot.older);
    for (let slot = this.#taken; slot !== undefined; slot = slot.older) visit(slot.record)
  }

  /** The partition is lost: forgets all, and gives back what waited, in order. What runs settles to no effect. */
  drop(): T[] {
    const dropped: T[] = []
    for (let slot = this.#oldest; slot !== undefined; slot = slot.newer) dropped.push(slot.record)
    this.#lanes.fill(undefined)
    this.#laneCount = 0
    this.#oldest = undefined
    this.#newest = undefined
    this.#freeFirst = undefined
    this.#freeLast = undefined
    this.#taken = undefined
    this.#size = 0
    this.#drops++
    return dropped
  }

  #laneOf(key: LaneKey | undefined): LaneKey {
    if (this.#order === 'partition') return WHOLE
    return this.#order === 'none' ? NO_LANE : (key ?? NO_LANE)
  }

  /** Makes it the last of its lane; the one that was so before, if there is such a lane. */
  #follow(slot: Slot<T>): Slot<T> | undefined {
    const bucket = slot.lane & (BUCKETS - 1)
    let before: Slot<T> | undefined
    let found = this.#lanes[bucket]
    while (found !== undefined && found.lane !== slot.lane) {
      before = found
      found = found.neighbour
    }
    if (found === undefined) {
      slot.neighbour = this.#lanes[bucket]
      this.#lanes[bucket] = slot
      this.#laneCount++
      return undefined
    }
    slot.neighbour = found.neighbour
    found.neighbour = undefined
    if (before === undefined) this.#lanes[bucket] = slot
    else before.neighbour = slot
    return found
  }

  /** The last of a lane is gone, and the lane with it. */
  #endLane(slot: Slot<T>): void {
    const bucket = slot.lane & (BUCKETS - 1)
    let before = this.#lanes[bucket]!
    if (before === slot) {
      this.#lanes[bucket] = slot.neighbour
    } else {
      while (before.neighbour !== slot) before = before.neighbour!
      before.neighbour = slot.neighbour
    }
    slot.neighbour = undefined
    this.#laneCount--
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
    slot.freeBefore = slot.freeAfter = slot.newer = undefined
    slot.older = this.#taken
    if (this.#taken !== undefined) this.#taken.newer = slot
    this.#taken = slot
    slot.free = false
    this.#size--
    return slot
  }

  #untake(slot: Slot<T>): void {
    const { older, newer } = slot
    if (older !== undefined) older.newer = newer
    if (newer === undefined) this.#taken = older
    else newer.older = older
    slot.older = slot.newer = undefined
  }
}

class Slot<T> implements Taken<T> {
  readonly offset: number
  readonly record: T
  readonly lane: LaneKey
  /** How often all was dropped before it came. */
  readonly drops: number
  successor: Slot<T> | undefined
  /** Of a lane's last: that of another lane. */
  neighbour: Slot<T> | undefined
  /** In the list of those that wait, then of those that were taken. */
  older: Slot<T> | undefined
  newer: Slot<T> | undefined
  freeBefore: Slot<T> | undefined
  freeAfter: Slot<T> | undefined
  free = false
  settled = false

  constructor(offset: number, record: T, lane: LaneKey, drops: number) {
    this.offset = offset
    this.record = record
    this.lane = lane
    this.drops = drops
  }
}

function always(): boolean {
  return true
}
