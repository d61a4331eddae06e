/** The time between two joins, or between a loss of the connection and another. */
export class Session {
  readonly ended: Promise<void>
  /** True while a heartbeat is on its way. */
  isBeating = false
  #end!: (reason: unknown) => void
  #isOver = false

  constructor() {
    this.ended = new Promise((resolve, reject) => {
      this.#end = (reason) => (reason === undefined ? resolve() : reject(reason))
    })
    this.ended.catch(() => undefined)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** `undefined`: it ends in good order. */
  end(reason: unknown): void {
    this.#isOver = true
    this.#end(reason)
  }
}
