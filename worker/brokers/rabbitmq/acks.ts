import { Prefix } from '../prefix.ts'

/** Writes settlements to one channel. */
export interface AckWriter {
  /** `upTo`: settles every open tag up to and including this one. */
  ack(tag: number, upTo: boolean): void
  /** Gives the job back to its queue. */
  nack(tag: number): void
}

/**
 * The settlements of one channel, written once an event-loop turn: releases first (a multiple ack above them would
 * settle them), then one multiple ack of the finished prefix, then an ack each for what finished behind a gap.
 * The multiple ack is named by a tag of this very turn, so never by one that is settled already: the broker would
 * close the channel.
 */
export class Acks {
  readonly #writer: AckWriter
  readonly #prefix = new Prefix()
  #finished: number[] = []
  #released: number[] = []
  #scheduled: NodeJS.Immediate | undefined
  #writtenAt = Number.NEGATIVE_INFINITY

  constructor(writer: AckWriter) {
    this.#writer = writer
  }

  /** When a settlement was written last, on the clock of `performance.now()`. */
  get writtenAt(): number {
    return this.#writtenAt
  }

  /** A delivery came. Tags rise within a channel. */
  opened(tag: number): void {
    this.#prefix.add(tag)
  }

  ack(tag: number): void {
    this.#finished.push(tag)
    this.#scheduled ??= setImmediate(this.#flush)
  }

  release(tag: number): void {
    this.#released.push(tag)
    this.#scheduled ??= setImmediate(this.#flush)
  }

  /** Writes what is due now instead of at the end of the turn. */
  flush(): void {
    if (this.#scheduled !== undefined) this.#flush()
  }

  /** Writes nothing more. */
  stop(): void {
    clearImmediate(this.#scheduled)
    this.#scheduled = undefined
    this.#finished = []
    this.#released = []
  }

  #flush = (): void => {
    clearImmediate(this.#scheduled)
    this.#scheduled = undefined
    const finished = this.#finished
    const released = this.#released
    for (const tag of released) {
      this.#prefix.finish(tag)
      this.#writer.nack(tag)
    }
    if (released.length > 0) this.#released = []
    for (const tag of finished) this.#prefix.finish(tag)
    this.#prefix.advance()
    this.#writeAcks(finished, this.#prefix.first ?? Number.POSITIVE_INFINITY)
    if (finished.length > 0) this.#finished = []
    this.#writtenAt = performance.now()
  }

  #writeAcks(finished: readonly number[], firstOpen: number): void {
    let top = 0
    for (const tag of finished) if (tag < firstOpen && tag > top) top = tag
    if (top > 0) this.#writer.ack(top, true)
    for (const tag of finished) if (tag > firstOpen) this.#writer.ack(tag, false)
  }
}
