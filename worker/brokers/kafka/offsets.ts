import { Prefix } from '../prefix.ts'
import { encode, lengthBound, type Marks, METADATA_BYTES, type Run } from './metadata.ts'

/** The share of the metadata's bytes at which no more is started; the rest is for what is running. */
const PRESSURE = 0.75

export interface OffsetsOptions {
  /** The committed offset, or where fetching begins for want of one. */
  readonly position: number
  /** Offsets that an earlier owner finished, as rising runs that do not touch, from the commit's metadata. */
  readonly finished: readonly Run[]
  /** How many offsets past the position a record may start. At least 1. */
  readonly maxSpan: number
  /** What the broker takes as metadata. */
  readonly metadataBytes?: number
}

/** One commit, as taken in one synchronous step. Hand it to `committed` once the broker has it. */
export interface Commit {
  readonly position: number
  readonly metadata: string
  readonly marks: Marks
  /** Completions since the assignment that this commit knows of. */
  readonly completions: number
  /** Finished runs that did not fit the metadata. */
  readonly forgotten: number
}

/**
 * What is finished of one partition, from its assignment to the loss of it: which offset may be committed, and what the
 * metadata must say of the records finished beyond.
 *
 * - The position never passes a record that was delivered and has not finished, and never falls. It moves by
 *   completions, and over offsets that were seen to hold no record; nothing is ever cleared.
 * - Every completion at or past a commit's position is in its metadata, also those of earlier owners that this one has
 *   not reached yet; only what exceeds the broker's limit is forgotten, from the top.
 * - No record starts `maxSpan` or more offsets past the position, or while the metadata are nearly full, but the one
 *   at the position always may: the way out of being full.
 * - After `end` nothing finishes and nothing is committed.
 *
 * Constant time a record, amortised; memory follows the distance between the position and the newest record.
 */
export class Offsets {
  readonly #open = new Prefix()
  readonly #restored: readonly Run[]
  readonly #maxSpan: number
  readonly #metadataBytes: number
  #nextRestored = 0
  /** 1 + the highest offset seen. */
  #seen: number
  /** 1 + the highest offset finished. */
  #finishedEnd: number
  #acknowledged: number
  #completions = 0
  #acknowledgedCompletions = 0
  #ended = false

  /** @throws RangeError where the position is no offset: what is committed from there on would be none either */
  constructor({ position, finished, maxSpan, metadataBytes = METADATA_BYTES }: OffsetsOptions) {
    if (!Number.isSafeInteger(position)) throw new RangeError(`expected an offset to begin at, got ${position}`)
    this.#seen = position
    this.#acknowledged = position
    this.#restored = finished
    this.#finishedEnd = finished.at(-1)?.end ?? position
    this.#maxSpan = maxSpan
    this.#metadataBytes = metadataBytes
  }

  /** The offset to commit: the lowest that was delivered and has not finished, else 1 + the highest seen. */
  get position(): number {
    return this.#open.first ?? this.#seen
  }

  /** Where to fetch next: 1 + the highest offset that was delivered or seen to hold no record. */
  get next(): number {
    return this.#seen
  }

  /** Offsets from the position to the highest finished one, that one included; 0 when none is finished beyond. */
  get span(): number {
    return Math.max(0, this.#finishedEnd - this.position)
  }

  /** Runs of finished records past the position. */
  get runs(): number {
    return this.#open.runs + this.#restored.length - this.#nextRestored
  }

  /** Completions that no acknowledged commit knows of: they would run again after a crash now. */
  get uncommitted(): number {
    return this.#completions - this.#acknowledgedCompletions
  }

  /** True when a commit would say more of this partition's progress than the last acknowledged one. */
  get dirty(): boolean {
    return !this.#ended && (this.uncommitted > 0 || this.position !== this.#acknowledged)
  }

  /** True when a record fetched next could not start yet: to fetch more is of no use now. */
  get full(): boolean {
    return this.#seen - this.position >= this.#maxSpan || this.#crowded
  }

  /** True when a record may start now: one that was delivered, or the next to be. */
  allows(offset: number): boolean {
    if (this.#ended) return false
    // Where none is open the next record will be the one at the position, however wide the gap before it.
    const lowest = this.#open.first ?? offset
    return offset === lowest || (offset - lowest < this.#maxSpan && !this.#crowded)
  }

  /**
   * A record was fetched; offsets rise, those left out hold no record. False: an earlier owner has finished it, it must
   * not run and needs no `finished`. A RangeError for an offset that does not rise.
   */
  delivered(offset: number): boolean {
    if (!Number.isSafeInteger(offset) || offset < this.#seen) {
      throw new RangeError(`expected an offset of at least ${this.#seen}, got ${offset}`)
    }
    this.#passRestored(offset)
    const known = (this.#restored[this.#nextRestored]?.start ?? Number.POSITIVE_INFINITY) <= offset
    this.#seen = offset + 1
    this.#passRestored(this.#seen)
    this.#open.add(offset)
    if (!known) return true
    this.#open.finish(offset)
    this.#open.advance()
    return false
  }

  /** All up to and including `offset` was fetched: what was not delivered of it holds no record for us. */
  seenUpTo(offset: number): void {
    if (offset < this.#seen) return
    this.#seen = offset + 1
    this.#passRestored(this.#seen)
  }

  /** A record is done, or its copy is durable elsewhere. False: it was not delivered, has finished before, or came too late. */
  finished(offset: number): boolean {
    if (this.#ended || !this.#open.finish(offset)) return false
    this.#open.advance()
    this.#completions++
    if (offset >= this.#finishedEnd) this.#finishedEnd = offset + 1
    return true
  }

  /**
   * Takes position and metadata in one step; `marksAt` is asked for the crash watch's share. Let one commit at a time
   * be under way, and let a failed one be followed by a new one. Undefined once the assignment has ended.
   */
  commit(marksAt: (position: number) => Marks): Commit | undefined {
    if (this.#ended) return undefined
    const { position } = this
    const marks = marksAt(position)
    const { text, forgotten } = encode(position, { finished: this.#runs(), marks }, this.#metadataBytes)
    return { position, metadata: text, marks, completions: this.#completions, forgotten }
  }

  /** The broker has this commit. */
  committed({ position, completions }: Commit): void {
    this.#acknowledged = Math.max(this.#acknowledged, position)
    this.#acknowledgedCompletions = Math.max(this.#acknowledgedCompletions, completions)
  }

  /** The assignment has ended: what finishes from now on is lost to this owner. */
  end(): void {
    this.#ended = true
  }

  get #crowded(): boolean {
    return lengthBound(this.runs, this.span) > this.#metadataBytes * PRESSURE
  }

  #passRestored(upTo: number): void {
    while (this.#nextRestored < this.#restored.length && this.#restored[this.#nextRestored]!.end <= upTo) {
      this.#nextRestored++
    }
  }

  #runs(): Run[] {
    const runs: { start: number; end: number }[] = []
    this.#open.eachRun((lowest, highest) => runs.push({ start: lowest, end: highest + 1 }))
    for (let at = this.#nextRestored; at < this.#restored.length; at++) {
      const { start, end } = this.#restored[at]!
      const last = runs.at(-1)
      const from = Math.max(start, this.#seen)
      if (last?.end === from) last.end = end
      else runs.push({ start: from, end })
    }
    return runs
  }
}
