/** What has a time by which it must have ended. */
export interface Dated {
  /** On the clock that `Timeouts` was given, in ms. */
  readonly deadline: number
  timeOut(): void
}

const MAX_TIMER_MS = 2 ** 31 - 1

/** Times out what is late, with one timer for all: most end long before their deadline, and a timer for each is a good part of what a short job costs. */
export class Timeouts {
  readonly #items: () => readonly Dated[]
  readonly #now: () => number
  #timer: NodeJS.Timeout | undefined
  #at = Number.POSITIVE_INFINITY

  /** `items`: all that is watched now. `now`: a monotonic clock in ms. */
  constructor(items: () => readonly Dated[], now: () => number) {
    this.#items = items
    this.#now = now
  }

  /** There is one item more. */
  add({ deadline }: Dated): void {
    if (deadline < this.#at) this.#arm(deadline)
  }

  /** Nothing is watched any more. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#at = Number.POSITIVE_INFINITY
  }

  #arm(deadline: number): void {
    clearTimeout(this.#timer)
    this.#at = deadline
    this.#timer = setTimeout(this.#look, Math.min(MAX_TIMER_MS, Math.ceil(deadline - this.#now())))
  }

  #look = (): void => {
    this.#at = Number.POSITIVE_INFINITY
    const now = this.#now()
    for (const item of this.#items()) {
      if (item.deadline <= now) item.timeOut()
      else this.add(item)
    }
  }
}
