import { getHeapStatistics } from 'node:v8'
import { Guard, type GuardChange, type GuardReading } from './guard.ts'

export interface GuardWatchOptions {
  readonly concurrency: number
  /** What the container may use; undefined without a limit. */
  readonly memoryBytes: number | undefined
  readonly inFlight: () => number
  /** Told of each change and of the reading behind it. */
  readonly changed: (change: GuardChange, reading: GuardReading) => void
}

/** Memory may fill within a second. A look costs some 20 µs. */
const TICK_MS = 200
const WINDOW_MS = 5_000

/** Looks at this process five times a second and asks the guard. Holds no process alive. */
export class GuardWatch {
  readonly #options: GuardWatchOptions
  readonly #guard: Guard
  readonly #timer: NodeJS.Timeout
  readonly #delays: { readonly at: number; readonly delayMs: number }[] = []
  readonly #begunAt = performance.now()
  #due = this.#begunAt + TICK_MS

  constructor(options: GuardWatchOptions) {
    this.#options = options
    this.#guard = new Guard(options.concurrency)
    this.#timer = setInterval(() => this.#tick(performance.now()), TICK_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #tick(now: number): void {
    this.#delays.push({ at: now, delayMs: Math.max(0, now - this.#due) })
    this.#due = now + TICK_MS
    while (this.#delays[0]!.at < now - WINDOW_MS) this.#delays.shift()
    const reading = this.#read(now)
    const change = this.#guard.observe(reading, now)
    if (change !== undefined) this.#options.changed(change, reading)
  }

  #read(now: number): GuardReading {
    const { memoryBytes, inFlight } = this.#options
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
    return {
      // Without a whole window it would be what a start does to the event loop, which is over soon.
      loopDelayMs: now - this.#begunAt < WINDOW_MS ? 0 : this.#meanDelayMs(),
      memory: memoryBytes && process.memoryUsage.rss() / memoryBytes,
      heap: used / limit,
      inFlight: inFlight(),
    }
  }

  #meanDelayMs(): number {
    return this.#delays.reduce((sum, { delayMs }) => sum + delayMs, 0) / this.#delays.length
  }
}
