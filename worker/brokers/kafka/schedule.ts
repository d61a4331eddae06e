import type { Taken } from './lanes.ts'
import type { Partition } from './partition.ts'
import type { LogRecord } from './record.ts'

/** The next record to start, or to dead-letter because it kills. */
export interface Next {
  readonly partition: Partition
  readonly taken: Taken<LogRecord>
  readonly condemned: boolean
}

/**
 * Which record of which partition starts next: partitions take turns. While one of them is isolated, its records come
 * first, each with nothing else in the process. No record starts that would make more than `commitCount` finished and
 * uncommitted, so that is the bound of what runs again after a crash.
 */
export class Schedule {
  readonly #commitCount: number
  #partitions: readonly Partition[] = []
  #turn = 0
  #inHand = 0
  #uncommitted = 0
  #isolated = 0

  constructor(commitCount: number) {
    this.#commitCount = commitCount
  }

  /** Records that were started and not settled, those of lost partitions included. */
  get inHand(): number {
    return this.#inHand
  }

  get uncommitted(): number {
    return this.#uncommitted
  }

  get partitions(): readonly Partition[] {
    return this.#partitions
  }

  /** Which partitions there are from now on. */
  assign(partitions: readonly Partition[]): void {
    this.#partitions = partitions
    this.#turn = 0
    this.refresh()
  }

  /** To be told of everything but `next`, `finished` and `settled`: of fetches, commits, losses. */
  refresh(): void {
    let isolated = 0
    let uncommitted = 0
    for (const partition of this.#partitions) {
      if (partition.isolated) isolated++
      uncommitted += partition.uncommitted
    }
    this.#isolated = isolated
    this.#uncommitted = uncommitted
  }

  /** The next record; it counts as in hand until `settled`. */
  next(nowMs: () => number): Next | undefined {
    if (this.#isolated > 0) {
      const alone = this.#nextAlone(nowMs())
      if (alone !== 'nobody') return this.#take(alone)
    }
    if (this.#inHand + this.#uncommitted >= this.#commitCount) return undefined
    const { length } = this.#partitions
    for (let tried = 0; tried < length; tried++) {
      const partition = this.#partitions[this.#turn]!
      this.#turn = this.#turn + 1 === length ? 0 : this.#turn + 1
      if (!partition.isWaiting || partition.isolated) continue
      const taken = partition.take(partition.delayMs === 0 ? 0 : nowMs())
      if (taken !== undefined) return this.#take({ partition, taken, condemned: false })
      if (partition.isolated) this.refresh()
    }
    return undefined
  }

  /** A record in hand has finished, and its partition's next commit has one completion more. */
  finished(): void {
    this.#uncommitted++
  }

  /** A record is in hand no more. */
  settled(): void {
    this.#inHand--
  }

  /** When the next record is due that had to be refused, in ms since the epoch. */
  get dueAt(): number {
    return this.#partitions.reduce((least, { dueAt }) => Math.min(least, dueAt), Number.POSITIVE_INFINITY)
  }

  #take(next: Next | undefined): Next | undefined {
    if (next !== undefined) this.#inHand++
    return next
  }

  /** `nobody`: no isolated partition has a record that is due, so the others may go on. */
  #nextAlone(nowMs: number): Next | undefined | 'nobody' {
    const partition =
      this.#partitions.find(({ holds }) => holds) ?? this.#partitions.find((one) => one.isolated && one.isDue(nowMs))
    if (partition === undefined) return 'nobody'
    if (this.#inHand > 0) return undefined
    const found = partition.takeAlone(nowMs)
    return found && { partition, ...found }
  }
}
