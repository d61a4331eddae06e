import type { BrokerSettings, WorkerEvent } from '../../contracts.ts'
import { messageOf } from '../../errors.ts'
import { nameOf, type TopicPartition } from './assignment.ts'
import type { Wanted } from './fetch.ts'
import type { Start } from './member.ts'
import type { Topics } from './names.ts'
import { Partition } from './partition.ts'
import type { Schedule } from './schedule.ts'

export interface HoldingsOptions {
  readonly settings: BrokerSettings
  readonly topics: Topics
  readonly schedule: Schedule
  readonly observe: (event: WorkerEvent) => void
}

const PARTITION_BYTES = 1024 * 1024
/** What is kept free for a partition whose last fetch brought nothing, and what any may have at least. */
const QUIET_SHARE_BYTES = 64 * 1024

/** The partitions that this member has: how they come, what they may fetch ahead, and how they go. */
export class Holdings {
  readonly #options: HoldingsOptions
  readonly #schedule: Schedule
  /** 1 + the highest offset that was handed out here, of partitions that are lost. */
  readonly #reached = new Map<string, number>()
  /** Those that the last look found hungry: they are being fetched, or are looked at again when a fetch has ended. */
  #awaited: ReadonlySet<Partition> = new Set()
  /** Bytes that a partition with records may have fetched ahead, as of the last look. */
  #share = QUIET_SHARE_BYTES

  constructor(options: HoldingsOptions) {
    this.#options = options
    this.#schedule = options.schedule
  }

  find({ topic, partition }: TopicPartition): Partition | undefined {
    return this.#schedule.partitions.find((one) => one.partition === partition && one.topic === topic)
  }

  /** Keeps what stays, loses what goes, and returns what has still to be started. */
  assigned(assigned: readonly TopicPartition[], isContinuous: boolean): readonly TopicPartition[] {
    const names = new Set(assigned.map(nameOf))
    const before = this.#schedule.partitions
    const kept = before.filter(({ name }) => isContinuous && names.has(name))
    for (const partition of before) {
      if (kept.includes(partition)) partition.stay()
      else this.#lose(partition, new Error('the group gave the partition to another member'))
    }
    for (const { name } of kept) names.delete(name)
    this.#schedule.assign(kept)
    const fresh = assigned.filter((one) => names.has(nameOf(one)))
    const lost = before.length - kept.length
    this.#options.observe({ name: 'assignment', assigned: assigned.length, gained: fresh.length, lost })
    return fresh
  }

  started(starts: readonly Start[]): void {
    const { settings, topics, observe } = this.#options
    const { order, maxSpan, crashLimit, concurrency } = settings
    // A topic of retries has no commit before its first retry.
    const uncommitted = starts.filter((start) => start.isUncommitted && start.topic === topics.work)
    if (uncommitted.length > 0) {
      const { offsetReset: to } = settings
      observe({ name: 'offsets-missing', topic: topics.work, partitions: uncommitted.length, to })
    }
    const fresh = starts.map((start) => {
      const delayMs = topics.delayOf(start.topic)
      const reached = this.#reached.get(nameOf(start)) ?? 0
      return new Partition({ ...start, order, maxSpan, crashLimit, delayMs, reached, reach: concurrency * 2 })
    })
    for (const { name, fault } of fresh) {
      if (fault !== undefined) observe({ name: 'progress-unreadable', partition: name, reason: fault })
    }
    this.#schedule.assign([...this.#schedule.partitions, ...fresh])
  }

  /** True when more of it should be fetched, which was not so at the last look at what is wanted. */
  hasGrownHungry(partition: Partition): boolean {
    return !this.#awaited.has(partition) && partition.isHungry(this.#shareOf(partition))
  }

  /** In how many ms the first of those that wanted no more at the last look will want more, as jobs go now. */
  lastsMs(nowMs: number): number {
    let least = Number.POSITIVE_INFINITY
    for (const partition of this.#schedule.partitions) {
      if (!this.#awaited.has(partition)) least = Math.min(least, partition.lastsMs(this.#shareOf(partition), nowMs))
    }
    return least
  }

  /** What is to be fetched next. */
  wanted(): Wanted[] {
    const { partitions } = this.#schedule
    const quiet = partitions.reduce((count, { isQuiet }) => (isQuiet ? count + 1 : count), 0)
    const left = this.#options.settings.fetchBytes - quiet * QUIET_SHARE_BYTES
    this.#share = Math.max(QUIET_SHARE_BYTES, Math.ceil(left / Math.max(1, partitions.length - quiet)))
    const hungry = partitions.filter((partition) => partition.isHungry(this.#shareOf(partition)))
    this.#awaited = new Set(hungry)
    return hungry.map((one) => {
      const { topic, partition, next } = one
      return { topic, partition, offset: next, maxBytes: Math.min(PARTITION_BYTES, this.#shareOf(one)) }
    })
  }

  /** The log does not hold what comes next. False: the partition is not ours any more. */
  outOfRange(where: TopicPartition): boolean {
    const partition = this.find(where)
    if (partition === undefined) return false
    const { settings, observe } = this.#options
    observe({ name: 'offset-reset', partition: partition.name, offset: partition.next, to: settings.offsetReset })
    this.#lose(partition, new Error('the log does not hold the offset any more'))
    this.#reached.delete(partition.name)
    this.#schedule.assign(this.#schedule.partitions.filter((one) => one !== partition))
    return true
  }

  /** All of it is or may be somebody else's now. */
  loseAll(reason: unknown): void {
    const { partitions } = this.#schedule
    if (partitions.length === 0) return
    this.#loseAll(new Error(messageOf(reason), { cause: reason }))
    this.#options.observe({ name: 'consumer-lost', reason: messageOf(reason) })
    this.#options.observe({ name: 'assignment', assigned: 0, gained: 0, lost: partitions.length })
  }

  /** Another may own them next: nothing more starts. */
  leave(): void {
    for (const partition of this.#schedule.partitions) partition.leave()
  }

  /** Nothing is held any more: what has not been committed by now comes again. */
  close(): void {
    this.#loseAll(new Error('the source was closed'))
  }

  /** Bytes that it may have fetched ahead: topics of retries are mostly empty, and would take most of what there is. */
  #shareOf({ isQuiet }: Partition): number {
    return isQuiet ? QUIET_SHARE_BYTES : this.#share
  }

  #loseAll(reason: Error): void {
    for (const partition of this.#schedule.partitions) this.#lose(partition, reason)
    this.#schedule.assign([])
  }

  #lose(partition: Partition, reason: Error): void {
    this.#reached.set(partition.name, partition.reached)
    partition.lose(reason)
  }
}
