/**
 * How fast something is used up, and so for how long what is left will last. Measured from look to look; a pace that was
 * higher fades by half a look, since jobs come to a halt and go on.
 */
export class Pace {
  #used = 0
  #seen = 0
  #seenAt: number | undefined
  /** A ms. */
  #rate = 0

  use(amount: number): void {
    this.#used += amount
  }

  /** In ms; 0 where nothing is known yet, Infinity where nothing is used. `nowMs`: a monotonic clock. */
  lastsMs(amount: number, nowMs: number): number {
    const since = this.#seenAt
    if (since !== undefined && nowMs > since) {
      this.#rate = Math.max((this.#used - this.#seen) / (nowMs - since), this.#rate / 2)
    }
    this.#seen = this.#used
    this.#seenAt = nowMs
    return since === undefined ? 0 : amount / this.#rate
  }
}
