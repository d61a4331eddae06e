import assert from 'node:assert/strict'
import type { Order, Taken } from '../../../../worker/brokers/kafka/lanes.ts'
import { decode, type Marks } from '../../../../worker/brokers/kafka/metadata.ts'
import type { Commit } from '../../../../worker/brokers/kafka/offsets.ts'
import { Partition as Held } from '../../../../worker/brokers/kafka/partition.ts'
import type { LogRecord } from '../../../../worker/brokers/kafka/record.ts'
import { RecordBatch } from '../../../../worker/brokers/kafka/records.ts'
import { Schedule } from '../../../../worker/brokers/kafka/schedule.ts'

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
  /** Rebalances in the middle of a killer's run: the next crash of its process is not seen to be one. */
  armedHandOvers = 0

  constructor(log: readonly Item[]) {
    this.log = log
    this.logEnd = (log.at(-1)?.offset ?? -1) + 1
  }

  get marks(): Marks {
    return decode(this.position, this.metadata).marks
  }

  commit({ position, metadata }: Commit): void {
    assert.ok(position >= this.position, `the commit falls from ${this.position} to ${position}`)
    const { finished, fault, marks } = decode(position, metadata)
    assert.equal(fault, undefined)
    if (marks.named !== undefined) {
      const { offset, starts } = marks.named
      const vanished = this.vanished.get(offset) ?? 0
      assert.ok(starts <= vanished + 1, `${offset} is said to have begun ${starts} times, ${vanished} vanished with it`)
    }
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
  readonly held: Held
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
  /** The chance that a hand-over comes rather than that a record is given back. Default 0.1. */
  readonly handOver?: number
  /** From 0 to 1. */
  readonly random: () => number
}

const COMMIT_COUNT = 30
const REACH = 3

/** A process that owns some partitions, moved by one random step at a time. */
export class Owner {
  readonly #options: OwnerOptions
  readonly #shares: readonly Share[]
  readonly #schedule = new Schedule(COMMIT_COUNT)
  readonly #running = new Map<Taken<LogRecord>, Share>()

  constructor(partitions: readonly Partition[], options: OwnerOptions) {
    const { order, crashLimit, maxSpan } = options
    this.#options = options
    this.#shares = partitions.map((partition, number) => {
      const { position, metadata } = partition
      const about = { topic: 'work', partition: number, position, metadata, delayMs: 0, reached: 0 }
      const held = new Held({ ...about, order, crashLimit, maxSpan, reach: REACH })
      assert.equal(held.fault, undefined)
      const next = partition.log.filter(({ offset }) => offset < position).length
      return { partition, held, next, underWay: undefined, arrived: false, wasIsolated: false }
    })
    this.#schedule.assign(this.#shares.map(({ held }) => held))
  }

  /** True when a record that runs is a killer. */
  get isArmed(): boolean {
    return [...this.#running].some(([taken, share]) => itemOf(share, taken).kills)
  }

  get finished(): boolean {
    return this.#shares.every(({ partition }) => partition.position === partition.logEnd)
  }

  step(): void {
    const share = this.#pick(this.#shares)
    const move = Math.floor(this.#options.random() * 12)
    if (move < 2) this.#deliver(share)
    else if (move < 4) this.#finishOne()
    else if (move < 6) this.#takeCommit(share)
    else if (move < 8) this.#carryCommit(share)
    else if (move < 11) this.#start()
    else if (this.#options.random() < (this.#options.handOver ?? 0.1)) this.#handOver()
    else this.#release()
  }

  /** The end of a drain: what still runs is abandoned, and the last commits arrive. */
  leave(): void {
    for (const share of this.#shares) {
      share.held.leave()
      share.partition.commit(share.held.commit()!)
    }
  }

  /** The process is gone. */
  vanish(): void {
    for (const { partition, held } of this.#shares) {
      const named = partition.marks.named
      if (named !== undefined && held.isolated) {
        partition.vanished.set(named.offset, (partition.vanished.get(named.offset) ?? 0) + 1)
      }
    }
  }

  #deliver(share: Share): void {
    const { partition, held } = share
    const item = partition.log[share.next]
    if (item === undefined || !held.isHungry(Number.POSITIVE_INFINITY)) return
    share.next++
    held.deliver({
      topic: 'work',
      partition: held.partition,
      error: 0,
      logEnd: partition.logEnd,
      batches: [batchOf(item)],
      end: item.offset + 1,
    })
    this.#schedule.refresh()
    this.#noteIsolation(share)
  }

  #start(): void {
    if (this.#running.size >= this.#options.concurrency) return
    const next = this.#schedule.next(() => 0)
    if (next === undefined) return
    const share = this.#shares.find(({ held }) => held === next.partition)!
    if (next.condemned) this.#settle(share, next.taken, 'dead')
    else this.#run(share, next.taken)
  }

  #run(share: Share, taken: Taken<LogRecord>): void {
    const { partition, held } = share
    assert.ok(!partition.settled.has(taken.offset) || partition.position <= taken.offset)
    const { key } = itemOf(share, taken)
    for (const [other, of] of this.#running) {
      const inOrder = this.#options.order === 'partition' || (key !== undefined && itemOf(of, other).key === key)
      assert.ok(of !== share || this.#options.order === 'none' || !inOrder, 'two of one lane run at once')
    }
    if (held.isolated) assert.equal(this.#running.size, 0, 'it does not run alone')
    assert.ok(!this.#shares.some((one) => one !== share && one.held.holds), 'another has the process to itself')
    const finished = this.#shares.reduce((sum, one) => sum + one.held.uncommitted, 0)
    assert.ok(finished + this.#running.size < COMMIT_COUNT, 'more than the bound would run again')
    partition.runs++
    this.#running.set(taken, share)
  }

  #finishOne(): void {
    if (this.#running.size === 0) return
    const [taken, share] = this.#pick([...this.#running])
    if (!itemOf(share, taken).kills) this.#settle(share, taken, 'done')
  }

  /** Given back untouched: it has to come again. */
  #release(): void {
    if (this.#running.size === 0) return
    const [taken, share] = this.#pick([...this.#running])
    this.#running.delete(taken)
    share.partition.runs--
    assert.ok(share.held.giveBack(taken))
    this.#schedule.settled()
  }

  /** A rebalance that leaves all partitions where they are: the last commits arrive, and what runs goes on. */
  #handOver(): void {
    for (const share of this.#shares) {
      if (this.isArmed) share.partition.armedHandOvers++
      share.held.leave()
      share.underWay = undefined
      const commit = share.held.commit()!
      share.partition.commit(commit)
      share.held.committed(commit)
      share.held.stay()
      this.#noteIsolation(share)
    }
    this.#schedule.refresh()
  }

  #settle(share: Share, taken: Taken<LogRecord>, how: 'done' | 'dead'): void {
    this.#running.delete(taken)
    if (share.partition.settled.get(taken.offset) !== 'dead') share.partition.settled.set(taken.offset, how)
    assert.ok(share.held.finish(taken))
    this.#schedule.finished()
    this.#schedule.settled()
  }

  #takeCommit(share: Share): void {
    if (share.underWay !== undefined || !share.held.dirty) return
    share.underWay = share.held.commit()
    share.arrived = false
  }

  /** First the broker has it, then the owner knows; some fail before, some after. */
  #carryCommit(share: Share): void {
    const { underWay, partition, held } = share
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
    held.committed(underWay)
    this.#schedule.refresh()
  }

  #noteIsolation(share: Share): void {
    if (share.held.isolated && !share.wasIsolated) share.partition.isolations++
    share.wasIsolated = share.held.isolated
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#options.random() * list.length)]!
  }
}

function itemOf({ partition }: Share, { offset }: Taken<LogRecord>): Item {
  return partition.log.find((item) => item.offset === offset)!
}

/** A batch of one record: length, attributes, timestamp and offset deltas of 0, key, empty value, no headers; numbers doubled, as zigzag has it. */
function batchOf({ offset, key }: Item): RecordBatch {
  const keyBytes = key === undefined ? [1] : [2 * key.length, ...Buffer.from(key)]
  const body = [0, 0, 0, ...keyBytes, 0, 0]
  const head = { firstOffset: offset, firstTimestamp: 0, appendTime: undefined, count: 1 }
  return new RecordBatch(head, Buffer.from([2 * body.length, ...body]))
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
