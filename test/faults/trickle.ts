import type { Producer } from '../../worker/producer.ts'
import type { LedgerWriter } from '../load/ledger.ts'
import { faultJob, type Mood } from './job.ts'

const TICK_MS = 20
const DURATIONS_MS = [80, 300] as const

export interface TrickleOptions {
  readonly producer: Producer
  readonly ledger: LedgerWriter
  /** A seed makes the same jobs again. */
  readonly seed: number
  /** Jobs per second. Default 100. */
  readonly rate?: number
  /** How long jobs take, at least and at most. Default: 80 to 300 ms. */
  readonly durationsMs?: readonly [number, number]
  /** The key of the n-th job. Default: none. */
  readonly key?: (n: number) => string | undefined
  /** How the n-th job behaves. Default: all good. */
  readonly mood?: (n: number, random: () => number) => Mood
}

/** Enqueues short jobs at a steady rate: a burst hides what an acknowledgement before the work loses. */
export class Trickle {
  readonly confirmed: string[] = []
  readonly unconfirmed: string[] = []
  readonly moods = new Map<string, Mood>()
  readonly #options: TrickleOptions
  readonly #random: () => number
  readonly #open = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #sent = 0

  constructor(options: TrickleOptions) {
    this.#options = options
    this.#random = mulberry32(options.seed)
  }

  /** Ids of the jobs of these moods. */
  idsOf(...moods: readonly Mood[]): string[] {
    return [...this.moods].filter(([, mood]) => moods.includes(mood)).map(([id]) => id)
  }

  start(): this {
    const { rate = 100 } = this.#options
    const begun = performance.now() - (this.#sent * 1_000) / rate
    this.#timer = setInterval(() => {
      const due = ((performance.now() - begun) * rate) / 1_000
      while (this.#sent < due) this.send()
    }, TICK_MS)
    return this
  }

  /** Sends one job now. */
  send(as?: Mood, takesMs?: number): string {
    const { producer, ledger, mood, key, durationsMs: [least, most] = DURATIONS_MS } = this.#options
    const id = `job-${String(this.#sent).padStart(5, '0')}`
    const chosen = as ?? mood?.(this.#sent, this.#random) ?? 'good'
    const ms = takesMs ?? Math.round(least + this.#random() * (most - least))
    const ordered = key?.(this.#sent)
    this.#sent += 1
    this.moods.set(id, chosen)
    const sending = producer
      .enqueue(
        faultJob,
        { ms, mood: chosen },
        { id, headers: { 'x-made-by': 'trickle' }, ...(ordered !== undefined && { key: ordered }) },
      )
      .then(
        () => {
          this.confirmed.push(id)
          ledger.write('enqueued', id)
        },
        () => {
          this.unconfirmed.push(id)
        },
      )
    this.#open.add(sending)
    void sending.finally(() => this.#open.delete(sending))
    return id
  }

  /** Sends no more and waits until each job is confirmed or has failed. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.#open)
  }
}

/** A small seeded generator of numbers in [0, 1): Tommy Ettinger's mulberry32. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
