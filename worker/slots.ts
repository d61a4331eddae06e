/**
 * How many jobs may run at once, as a number that may change while lanes work: each lane takes a slot for a job, frees it, and
 * parks before it pulls again where there are more lanes than slots. A lane that was pulling when the limit fell comes with
 * a job that has no slot: the job is kept, and is the next to run. A job that runs is never touched.
 */
export class Slots<T> {
  readonly #most: number
  readonly #kept: T[] = []
  readonly #parked: ((goesOn: boolean) => void)[] = []
  #limit: number
  #active = 0
  /** Lanes that are not parked. */
  #awake: number
  #ended = false

  /** @param most how many lanes there are, and slots at first: 1 or more */
  constructor(most: number) {
    this.#most = most
    this.#limit = most
    this.#awake = most
  }

  get limit(): number {
    return this.#limit
  }

  /** From 1 to as many as there are lanes. What runs above a lower limit runs on. */
  set limit(limit: number) {
    this.#limit = Math.min(this.#most, Math.max(1, limit))
    // A lane that pulls looks at what is kept only when something comes, so that parked ones are woken for it as well.
    const forKept = Math.min(this.#kept.length, this.#limit - this.#active)
    const wanted = Math.max(this.#limit - this.#awake, forKept)
    for (let left = wanted; left > 0 && this.#parked.length > 0; left--) this.#wake(true)
  }

  /** Slots that are taken. */
  get active(): number {
    return this.#active
  }

  /** True when a lane is to park, not to pull. */
  get crowded(): boolean {
    return this.#awake > this.#limit
  }

  /** Takes a slot; false when there is none: the item is kept until there is. */
  take(item: T): boolean {
    if (this.#active < this.#limit) {
      this.#active++
      return true
    }
    this.#kept.push(item)
    return false
  }

  free(): void {
    this.#active--
  }

  /** The next item that was kept, when there is a slot for it. */
  next(): T | undefined {
    return this.#kept.length > 0 && this.#active < this.#limit ? this.#kept.shift() : undefined
  }

  /** Waits until the limit is raised: true; or the end: false. */
  park(): Promise<boolean> {
    if (this.#ended) return Promise.resolve(false)
    this.#awake--
    return new Promise((resolve) => this.#parked.push(resolve))
  }

  /** Ends the wait of all that are parked, and returns what is kept. */
  end(): T[] {
    this.#ended = true
    while (this.#parked.length > 0) this.#wake(false)
    return this.#kept.splice(0)
  }

  #wake(goesOn: boolean): void {
    this.#awake++
    this.#parked.shift()!(goesOn)
  }
}
