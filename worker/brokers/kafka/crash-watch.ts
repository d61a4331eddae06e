import { type Marks, NO_MARKS } from './metadata.ts'

/** Unclean beginnings at one watermark after which records run alone. */
const BEGINNINGS_LIMIT = 2

export interface CrashWatchOptions {
  /** The marks of the commit that this assignment begins from. */
  readonly restored: Marks
  /** Times that a record is left named before it is dead-lettered. At least 1. */
  readonly crashLimit: number
  /** Offsets that a second owner may start in before it has to announce more. At least 1; twice the concurrency does. */
  readonly reach: number
}

/**
 * What a record may do now. `start`: run. `commit`: commit first, ask again when the broker has it. `wait`: another
 * record has to settle, or this owner starts nothing more. `condemn`: dead-letter it as a crash loop, then it is settled.
 */
export type Admission = 'start' | 'commit' | 'wait' | 'condemn'

type Mode = 'waiting' | 'free' | 'probation' | 'isolated'

/**
 * Finds the record that kills its process, on a broker that counts no deliveries, with marks in the commits of its
 * partition. One watch serves one assignment of one partition.
 *
 * `waiting` - nothing has started; commits carry on what the last owner left. Ends with `begin`.
 *
 * `free` - the usual mode. Before the first record starts a commit says that one owner more began at this watermark.
 * Nothing is asked of later records. As soon as the watermark has moved, commits say nothing.
 *
 * `probation` - the last owner began here too and left uncleanly. As `free`, but a commit announces the offset below
 * which records start, and more is announced before more starts (twice as much each time), until a commit
 * with a moved watermark is acknowledged. So when this owner dies too, the next knows where the killer can be.
 *
 * `isolated` - two owners in a row left uncleanly what they began here. Records are offered from the lowest
 * offset, each is named in a commit before it starts, with how often it was, and the next is named when it has
 * settled. While the watch `holds` nothing else may run in the process, of any partition. A record that was left
 * named as often as the crash limit is condemned instead. Ends when a commit is acknowledged whose
 * watermark has reached the end: of what was announced on probation, but not past what was in the log at `begin`.
 * Owners inherit the isolation.
 *
 * `leave` withdraws from any mode what this owner has marked, and nothing that earlier ones have: a record that killed
 * twice is not forgiven because its third run was interrupted. After it nothing starts.
 *
 * Promises, as long as commits are acknowledged in order and `commit` is obeyed:
 * - A record is condemned only if as many owners as the crash limit vanished while it was named and nothing else ran.
 *   A lost session looks the same as a crash; a clean leave never does.
 * - A record that always kills costs at most `2 + crashLimit` crashes at the watermark where it settles down. Before that each
 *   crash that does not count has moved the watermark by a finished record below the killer, and at most one that
 *   counted was forgotten with it: `2m + 2 + crashLimit` in all, where the watermark moves m times before isolation.
 */
export class CrashWatch {
  readonly #restored: Marks
  readonly #crashLimit: number
  #mode: Mode = 'waiting'
  #leaving = false
  /** What the broker holds. */
  #acknowledged: Marks
  /** What this owner's beginning makes of the count. */
  #beginnings = 0
  /** True once the broker knows of the beginning. */
  #announced = false
  /** The lowest record that has settled. With a watermark past it, what was marked before holds no longer. */
  #settledFrom = Number.POSITIVE_INFINITY
  /** Probation: records start below it. Isolation: it ends there. */
  #end: number | undefined
  #reach: number
  /** Isolation: the record that runs alone, or is about to, or is condemned. */
  #named: Marks['named']
  #condemned = false
  /** Isolation: what earlier owners left named, until a record is named here. */
  #inherited: Marks['named']

  constructor({ restored, crashLimit, reach }: CrashWatchOptions) {
    this.#restored = restored
    this.#acknowledged = restored
    this.#inherited = restored.named
    this.#crashLimit = crashLimit
    this.#reach = reach
  }

  /** True while records have to be offered from the lowest offset, and run with nothing else in the process. */
  get isolated(): boolean {
    return this.#mode === 'isolated'
  }

  /**
   * True while a crash of the process would be blamed on a record of this partition: from its naming until the broker
   * knows that it has settled. Nothing else may run in the process then.
   */
  get holds(): boolean {
    if (this.#mode !== 'isolated') return false
    const { named } = this.#acknowledged
    return this.#named !== undefined || (named !== undefined && named !== this.#restored.named)
  }

  /** The first records are here; `logEnd` is 1 + the highest offset in the partition. Later calls change nothing. */
  begin(logEnd: number): void {
    if (this.#mode !== 'waiting') return
    const { beginnings, isolated, end } = this.#restored
    if (isolated || beginnings >= BEGINNINGS_LIMIT) {
      this.#mode = 'isolated'
      this.#end = Math.min(end ?? logEnd, logEnd)
    } else {
      this.#mode = beginnings === 0 ? 'free' : 'probation'
      this.#beginnings = beginnings + 1
    }
  }

  /**
   * Whether the record at `offset` may start; `position` is the watermark now. In isolation ask for the lowest offset
   * that waits, while nothing runs in the process and no other partition's watch holds. To be asked again after `commit` and `wait`.
   */
  admit(offset: number, position: number): Admission {
    if (this.#leaving || this.#mode === 'waiting') return 'wait'
    if (this.#mode === 'isolated') return this.#admitAlone(offset, position)
    if (this.#mode === 'probation' && offset >= (this.#end ?? 0)) {
      this.#end = offset + this.#reach
      this.#reach *= 2
    }
    if (!this.#announced) return 'commit'
    if (this.#mode === 'probation' && offset >= (this.#acknowledged.end ?? 0)) return 'commit'
    return 'start'
  }

  /** A record is done, or its copy is durable elsewhere. */
  settled(offset: number): void {
    if (offset < this.#settledFrom) this.#settledFrom = offset
    if (this.#named?.offset !== offset) return
    this.#named = undefined
    this.#condemned = false
  }

  /** What a commit at `position`, taken now, has to say. */
  marksAt(position: number): Marks {
    if (this.#mode === 'waiting') return this.#carriedOn(position)
    if (this.#mode === 'isolated') return this.#marksAlone(position)
    if (position > this.#settledFrom) return NO_MARKS
    if (this.#leaving) return this.#restored
    return { beginnings: this.#beginnings, isolated: false, end: this.#end, named: undefined }
  }

  /** True when a commit at `position` would say something else than the broker holds. */
  dirty(position: number): boolean {
    const now = this.marksAt(position)
    const then = this.#acknowledged
    return (
      now.beginnings !== then.beginnings ||
      now.isolated !== then.isolated ||
      now.end !== then.end ||
      !sameRecord(now.named, then.named)
    )
  }

  /** The broker has a commit at `position` with these marks. */
  committed(marks: Marks, position: number): void {
    this.#acknowledged = marks
    if (this.#mode === 'waiting' || this.#leaving) return
    const isOver = this.#mode === 'isolated' ? !marks.isolated && marks.beginnings === 0 : position > this.#settledFrom
    if (isOver) {
      this.#mode = 'free'
      this.#announced = true
      // Whatever comes, the watermark at which an owner began lies behind.
      this.#settledFrom = Number.NEGATIVE_INFINITY
    } else if (marks.beginnings === this.#beginnings) {
      this.#announced = true
    }
  }

  /** A drain or a hand-over: starts nothing more, and the next commit withdraws what this owner marked. */
  leave(): void {
    this.#leaving = true
  }

  /** What was found, as far as it holds: records that run on through a hand-over move the watermark, and nobody has begun at the new one. */
  #carriedOn(position: number): Marks {
    const { isolated, end, named } = this.#restored
    if (isolated ? end !== undefined && position >= end : position > this.#settledFrom) return NO_MARKS
    return named === undefined || named.offset >= position ? this.#restored : { ...this.#restored, named: undefined }
  }

  #admitAlone(offset: number, position: number): Admission {
    if (this.#named === undefined) {
      // Until the broker knows that the isolation is over, a crash would be blamed on the record named last.
      if (position >= this.#end!) return 'commit'
      const starts = this.#inherited?.offset === offset ? this.#inherited.starts : 0
      this.#condemned = starts >= this.#crashLimit
      this.#named = { offset, starts: this.#condemned ? starts : starts + 1 }
      this.#inherited = undefined
    }
    if (this.#named.offset !== offset) return 'wait'
    if (this.#condemned) return 'condemn'
    return sameRecord(this.#acknowledged.named, this.#named) ? 'start' : 'commit'
  }

  #marksAlone(position: number): Marks {
    const named = this.#named ?? this.#inherited
    if (position >= this.#end! && this.#named === undefined) return NO_MARKS
    const mark = { beginnings: 0, isolated: true, end: this.#end }
    if (named === undefined || named.offset < position) return { ...mark, named: undefined }
    const withdrawn = this.#leaving && this.#named !== undefined && !this.#condemned ? 1 : 0
    const starts = named.starts - withdrawn
    return { ...mark, named: starts === 0 ? undefined : { offset: named.offset, starts } }
  }
}

function sameRecord(one: Marks['named'], other: Marks['named']): boolean {
  return one?.offset === other?.offset && one?.starts === other?.starts
}
