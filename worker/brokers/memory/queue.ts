import type { Outcome } from '../../contracts.ts'
import type { MemoryClock } from './clock.ts'
import { copyFor, type MemoryMessage } from './message.ts'

/** A message with what the broker knows of its deliveries. */
export interface Entry {
  readonly message: MemoryMessage
  /** Its place in the line, which it keeps when it is given back. */
  readonly place: number
  redelivered: boolean
}

/** One consumer as its queue sees it. */
export interface Consumer {
  /** How many more messages it may hold. */
  readonly room: number
  /** Gives it one; it holds it until `settle` or `giveBack`. */
  take(entry: Entry): void
}

/** A message in the retry ladder. */
export interface Waiting {
  readonly message: MemoryMessage
  /** ms since the epoch. */
  readonly dueAt: number
}

const LONGEST_TIMER_MS = 2 ** 31 - 1

/** One queue with its retry ladder and its dead letters. First in, first out; consumers take turns. */
export class MemoryQueue {
  readonly name: string
  readonly #clock: MemoryClock
  readonly #ready: Entry[] = []
  readonly #waiting: Waiting[] = []
  readonly #dead: MemoryMessage[] = []
  readonly #held = new Set<Entry>()
  #consumers: readonly Consumer[] = []
  #turn = 0
  #published = 0
  #places = 0
  #timer: unknown
  #idle: (() => void)[] = []

  constructor(name: string, clock: MemoryClock) {
    this.name = name
    this.#clock = clock
  }

  get ready(): readonly MemoryMessage[] {
    return this.#ready.map((entry) => entry.message)
  }
  /** By due time, the next one first. */
  get waiting(): readonly Waiting[] {
    return [...this.#waiting]
  }
  get dead(): readonly MemoryMessage[] {
    return [...this.#dead]
  }

  get figures() {
    return {
      ready: this.#ready.length,
      unacknowledged: this.#held.size,
      suspects: 0,
      waiting: this.#waiting.length,
      dead: this.#dead.length,
      consumers: this.#consumers.length,
      published: this.#published,
    }
  }

  publish(message: MemoryMessage): void {
    this.#published++
    this.#enqueue(message)
    this.#dispatch()
  }

  attach(consumer: Consumer): void {
    this.#consumers = [...this.#consumers, consumer]
    this.#dispatch()
  }

  /** Gives it no more; what it holds it still holds. */
  detach(consumer: Consumer): void {
    this.#consumers = this.#consumers.filter((other) => other !== consumer)
  }

  /** Carries out the outcome of a message that a consumer holds. */
  settle(entry: Entry, outcome: Outcome): void {
    if (outcome.kind === 'release') {
      this.giveBack([entry])
      return
    }
    // A message that is not held any more was forgotten by clear(), together with what would become of it.
    if (this.#held.delete(entry)) {
      if (outcome.kind === 'retry') this.#wait(copyFor(entry.message, outcome, this.#clock.now()), outcome.delayMs)
      if (outcome.kind === 'dead') this.#dead.push(copyFor(entry.message, outcome, this.#clock.now()))
    }
    this.#dispatch()
  }

  /** Puts messages that a consumer holds back to the places that they had. */
  giveBack(entries: readonly Entry[]): void {
    const back = entries.filter((entry) => this.#held.delete(entry))
    for (const entry of back) entry.redelivered = true
    this.#ready.unshift(...back)
    this.#ready.sort((one, other) => one.place - other.place)
    this.#dispatch()
  }

  /** Makes all that waits due now, in the order in which it would have come. */
  hurry(): void {
    this.#release(Number.POSITIVE_INFINITY)
  }

  /** Resolves when nothing is ready and nothing held; what waits and what is dead does not count. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve)
      this.#tellIdle()
    })
  }

  /** Forgets every message and stops the timer. */
  clear(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#ready.length = 0
    this.#waiting.length = 0
    this.#dead.length = 0
    this.#held.clear()
    this.#tellIdle()
  }

  #wait(message: MemoryMessage, delayMs: number): void {
    const dueAt = this.#clock.now() + delayMs
    const after = this.#waiting.findIndex((other) => other.dueAt > dueAt)
    this.#waiting.splice(after === -1 ? this.#waiting.length : after, 0, { message, dueAt })
    this.#arm()
  }

  #arm(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    const next = this.#waiting[0]
    if (next === undefined) return
    const delayMs = Math.min(Math.max(0, next.dueAt - this.#clock.now()), LONGEST_TIMER_MS)
    this.#timer = this.#clock.setTimeout(() => this.#release(this.#clock.now()), delayMs)
  }

  #release(untilMs: number): void {
    const later = this.#waiting.findIndex((waiting) => waiting.dueAt > untilMs)
    const due = this.#waiting.splice(0, later === -1 ? this.#waiting.length : later)
    for (const { message } of due) this.#enqueue(message)
    this.#arm()
    this.#dispatch()
  }

  #enqueue(message: MemoryMessage): void {
    this.#ready.push({ message, place: this.#places++, redelivered: false })
  }

  #dispatch(): void {
    while (this.#ready.length > 0) {
      const consumer = this.#next()
      if (consumer === undefined) break
      const entry = this.#ready.shift()!
      this.#held.add(entry)
      consumer.take(entry)
    }
    this.#tellIdle()
  }

  #next(): Consumer | undefined {
    const count = this.#consumers.length
    for (let step = 0; step < count; step++) {
      const consumer = this.#consumers[(this.#turn + step) % count]!
      if (consumer.room > 0) {
        this.#turn = (this.#turn + step + 1) % count
        return consumer
      }
    }
    return undefined
  }

  #tellIdle(): void {
    if (this.#ready.length > 0 || this.#held.size > 0) return
    const idle = this.#idle
    this.#idle = []
    for (const resolve of idle) resolve()
  }
}
