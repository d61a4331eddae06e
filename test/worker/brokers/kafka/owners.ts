import assert from 'node:assert/strict'
import { CrashWatch } from '../../../../worker/brokers/kafka/crash-watch.ts'
import { Lanes, type Order, type Taken } from '../../../../worker/brokers/kafka/lanes.ts'
import { decode, type Marks } from '../../../../worker/brokers/kafka/metadata.ts'
import { type Commit, Offsets } from '../../../../worker/brokers/kafka/offsets.ts'

/** A record of the simulated log. A killer never finishes: sooner or later it takes its process with it. */
export interface Item {
  readonly offset: number
  readonly key: string | undefined
  readonly kills: boolean
}

/** A partition as the broker and the oracle see it. */
export class Partition {
  readonly log: readonly Item[]
  readonly logEnd: number
  readonly settled = new Map<number, 'done' | 'dead'>()
  /** How often a process vanished while the broker had this record named. */
  readonly vanished = new Map<number, number>()
  position = 0
  metadata = ''
  runs = 0
  isolations = 0

  constructor(log: readonly Item[]) {
    this.log = log
    this.logEnd = (log.at(-1)?.offset ?? -1) + 1
  }

  get marks(): Marks {
    return decode(this.position, this.metadata).marks
  }

  commit({ position, metadata }: Commit): void {
    assert.ok(position >= this.position, `the commit falls from ${this.position} to ${position}`)
    const { finished, fault } = decode(position, metadata)
    assert.equal(fault, undefined)
    for (const { offset } of this.log) {
      const isSaid = offset < position || finished.some(({ start, end }) => offset >= start && offset < end)
      assert.ok(!isSaid || this.settled.has(offset), `${offset} is committed as finished and is not`)
    }
    this.position = position
    this.metadata = metadata
  }
}

/** What an owner holds of one partition. */
interface Share {
  readonly partition: Partition
  readonly offsets: Offsets
  readonly lanes: Lanes<Item>
  readonly watch: CrashWatch
  next: number
  underWay: Commit | undefined
  arrived: boolean
  wasIsolated: boolean
}

export interface OwnerOptions {
  readonly order: Order
  readonly concurrency: number
  readonly crashLimit: number
  readonly maxSpan: number
  /** From 0 to 1. */
  readonly random: () => number
}

/** A process that owns some partitions, moved by one random step at a time. */
export class Owner {
  readonly #options: OwnerOptions
  readonly #shares: readonly Share[]
  readonly #running = new Map<Taken<Item>, Share>()

  constructor(partitions: readonly Partition[], options: OwnerOptions) {
    this.#options = options
    this.#shares = partitions.map((partition) => {
      const { finished, marks, fault } = decode(partition.position, partition.metadata)
      assert.equal(fault, undefined)
      return {
        partition,
        offsets: new Offsets({ position: partition.position, finished, maxSpan: options.maxSpan }),
        lanes: new Lanes<Item>(options.order),
        watch: new CrashWatch({ restored: marks, crashLimit: options.crashLimit, reach: 3 }),
        next: partition.log.filter(({ offset }) => offset < partition.position).length,
        underWay: undefined,
        arrived: false,
        wasIsolated: false,
      }
    })
  }

  /** True when a record that runs is a killer. */
  get isArmed(): boolean {
    return [...this.#running.keys()].some(({ record }) => record.kills)
  }

  get finished(): boolean {
    return this.#shares.every(({ partition }) => partition.position === partition.logEnd)
  }

  step(): void {
    const share = this.#pick(this.#shares)
    const move = Math.floor(this.#options.random() * 6)
    if (move === 0) this.#deliver(share)
    else if (move === 1) this.#finishOne()
    else if (move === 2) this.#takeCommit(share)
    else if (move === 3) this.#carryCommit(share)
    else if (share.watch.isolated) this.#startAlone(share)
    else this.#start(share)
  }

  /** The end of a drain: what still runs is abandoned, and the last commits arrive. */
  leave(): void {
    for (const share of this.#shares) {
      share.watch.leave()
      const commit = share.offsets.commit((position) => share.watch.marksAt(position))!
      share.partition.commit(commit)
    }
  }

  /** The process is gone. */
  vanish(): void {
    for (const { partition, watch } of this.#shares) {
      const named = partition.marks.named
      if (named !== undefined && watch.isolated) {
        partition.vanished.set(named.offset, (partition.vanished.get(named.offset) ?? 0) + 1)
      }
    }
  }

  #deliver(share: Share): void {
    const item = share.partition.log[share.next]
    if (item === undefined || share.offsets.full) return
    share.next++
    if (share.offsets.delivered(item.offset)) share.lanes.add(item.offset, item.key, item)
    share.watch.begin(share.partition.logEnd)
    if (share.watch.isolated && !share.wasIsolated) share.partition.isolations++
    share.wasIsolated = share.watch.isolated
  }

  #start(share: Share): void {
    if (this.#running.size >= this.#options.concurrency || this.#holds(share)) return
    const { offsets, lanes, watch } = share
    const allows = (offset: number): boolean =>
      offsets.allows(offset) && watch.admit(offset, offsets.position) === 'start'
    const taken = lanes.take(allows)
    if (taken !== undefined) this.#run(share, taken)
  }

  #startAlone(share: Share): void {
    if (this.#running.size > 0 || this.#holds(share)) return
    const { offsets, lanes, watch } = share
    const { oldest } = lanes
    if (oldest === undefined) return
    const admission = watch.admit(oldest, offsets.position)
    if (admission === 'start') this.#run(share, lanes.takeOldest()!)
    if (admission === 'condemn') this.#settle(share, lanes.takeOldest()!, 'dead')
  }

  /** True while a record of another partition has the process to itself. */
  #holds(share: Share): boolean {
    return this.#shares.some((other) => other !== share && other.watch.holds)
  }

  #run(share: Share, taken: Taken<Item>): void {
    const { partition } = share
    assert.ok(!partition.settled.has(taken.offset) || partition.position <= taken.offset)
    for (const [other, of] of this.#running) {
      const inOrder = this.#options.order === 'partition' || (taken.record.key && other.record.key === taken.record.key)
      assert.ok(of !== share || this.#options.order === 'none' || !inOrder, 'two of one lane run at once')
    }
    if (share.watch.isolated) assert.equal(this.#running.size, 0, 'it does not run alone')
    partition.runs++
    this.#running.set(taken, share)
  }

  #finishOne(): void {
    if (this.#running.size === 0) return
    const [taken, share] = this.#pick([...this.#running])
    if (!taken.record.kills) this.#settle(share, taken, 'done')
  }

  #settle(share: Share, taken: Taken<Item>, how: 'done' | 'dead'): void {
    this.#running.delete(taken)
    if (share.partition.settled.get(taken.offset) !== 'dead') share.partition.settled.set(taken.offset, how)
    assert.ok(share.offsets.finished(taken.offset))
    share.watch.settled(taken.offset)
    share.lanes.settled(taken)
  }

  #takeCommit(share: Share): void {
    const { offsets, watch } = share
    if (share.underWay !== undefined || !(offsets.dirty || watch.dirty(offsets.position))) return
    share.underWay = offsets.commit((position) => watch.marksAt(position))
    share.arrived = false
  }

  /** First the broker has it, then the owner knows; some fail before, some after. */
  #carryCommit(share: Share): void {
    const { underWay, partition } = share
    if (underWay === undefined) return
    const fails = this.#options.random() < 0.1
    if (!share.arrived) {
      if (fails) share.underWay = undefined
      else partition.commit(underWay)
      share.arrived = true
      return
    }
    share.underWay = undefined
    if (fails) return
    share.offsets.committed(underWay)
    share.watch.committed(underWay.marks)
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#options.random() * list.length)]!
  }
}

/** A small generator of even numbers from 0 to 1. Source: mulberry32, Tommy Ettinger, public domain. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
