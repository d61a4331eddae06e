const FIRST_CAPACITY = 64

/**
 * The finished prefix of a rising sequence of numbers that finish in any order: delivery tags, offsets.
 * Gaps in the sequence are fine. Constant time each, amortised, where the numbers are contiguous; a binary search
 * finds a number behind gaps. Memory follows the distance between the oldest unfinished number and the newest.
 */
export class Prefix {
  #numbers = new Float64Array(FIRST_CAPACITY)
  #finished = new Uint8Array(FIRST_CAPACITY)
  #head = 0
  #size = 0
  #runs = 0
  #last = Number.NEGATIVE_INFINITY

  /** The lowest number that `advance` has not passed. */
  get first(): number | undefined {
    return this.#size === 0 ? undefined : this.#numbers[this.#head]
  }

  /** Numbers added and not passed by `advance`. */
  get size(): number {
    return this.#size
  }

  /** Stretches of finished numbers that `advance` has not passed. Gaps in the sequence do not part a stretch. */
  get runs(): number {
    return this.#runs
  }

  /** Adds the next number. A RangeError unless it is a safe integer above all that were added before. */
  add(number: number): void {
    if (!Number.isSafeInteger(number) || number <= this.#last) {
      throw new RangeError(`expected an integer above ${this.#last}, got ${number}`)
    }
    if (this.#size === this.#numbers.length) this.#grow()
    const slot = (this.#head + this.#size) & (this.#numbers.length - 1)
    this.#numbers[slot] = number
    this.#finished[slot] = 0
    this.#size++
    this.#last = number
  }

  /** Marks a number as finished. False when it was not added, was finished before, or was passed already. */
  finish(number: number): boolean {
    const slot = this.#find(number)
    if (slot === undefined || this.#finished[slot] === 1) return false
    this.#finished[slot] = 1
    const mask = this.#numbers.length - 1
    const at = (slot - this.#head) & mask
    const joinsLower = at > 0 && this.#finished[(slot - 1) & mask] === 1
    const joinsUpper = at < this.#size - 1 && this.#finished[(slot + 1) & mask] === 1
    this.#runs += 1 - (joinsLower ? 1 : 0) - (joinsUpper ? 1 : 0)
    return true
  }

  /** Passes all finished numbers up to the first unfinished one; the highest of them, or undefined where there is none. */
  advance(): number | undefined {
    const mask = this.#numbers.length - 1
    let passed: number | undefined
    while (this.#size > 0 && this.#finished[this.#head] === 1) {
      passed = this.#numbers[this.#head]
      this.#head = (this.#head + 1) & mask
      this.#size--
    }
    if (passed !== undefined) this.#runs--
    return passed
  }

  /** Visits each of the `runs` in rising order, by its lowest and its highest number. */
  eachRun(visit: (lowest: number, highest: number) => void): void {
    const mask = this.#numbers.length - 1
    let left = this.#runs
    for (let at = 0; left > 0; at++, left--) {
      while (this.#finished[(this.#head + at) & mask] === 0) at++
      const lowest = this.#numbers[(this.#head + at) & mask]!
      while (at + 1 < this.#size && this.#finished[(this.#head + at + 1) & mask] === 1) at++
      visit(lowest, this.#numbers[(this.#head + at) & mask]!)
    }
  }

  #find(number: number): number | undefined {
    if (this.#size === 0) return undefined
    const mask = this.#numbers.length - 1
    let low = 0
    // Numbers rise by at least one, so a number's place is never beyond its distance from the first.
    let high = Math.min(this.#size - 1, number - this.#numbers[this.#head]!)
    let middle = high
    while (low <= high) {
      const slot = (this.#head + middle) & mask
      const found = this.#numbers[slot]!
      if (found === number) return slot
      if (found < number) low = middle + 1
      else high = middle - 1
      middle = (low + high) >> 1
    }
    return undefined
  }

  #grow(): void {
    const capacity = this.#numbers.length
    const numbers = new Float64Array(capacity * 2)
    const finished = new Uint8Array(capacity * 2)
    for (let at = 0; at < this.#size; at++) {
      const slot = (this.#head + at) & (capacity - 1)
      numbers[at] = this.#numbers[slot]!
      finished[at] = this.#finished[slot]!
    }
    this.#numbers = numbers
    this.#finished = finished
    this.#head = 0
  }
}
