/**
 * Lets the event loop turn now and then: jobs that are there at once and wait for nothing would hold it, and with it timers,
 * heartbeats and what comes from the broker, until no job is left.
 */
export class Turns {
  readonly #most: number
  #taken = 0
  #next: Promise<void> | undefined

  /** `most`: so many jobs a turn. */
  constructor(most: number) {
    this.#most = most
  }

  /** True when no more is to be taken in this turn. */
  get isOver(): boolean {
    return this.#taken >= this.#most
  }

  /** A job was taken without waiting. */
  take(): void {
    this.#taken++
  }

  /** The next turn, which begins with none taken. */
  next(): Promise<void> {
    return (this.#next ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#next = undefined
        this.#taken = 0
        resolve()
      })
    }))
  }
}
