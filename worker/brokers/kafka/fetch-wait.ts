const MAX_WAIT_MS = 250
const MIN_WAIT_MS = 10

/**
 * How long a broker may wait for records before it answers a fetch. It answers a connection's requests one after the other, so
 * where a partition without records is asked for (a topic of retries), one with plenty has to wait behind it once its stock
 * runs low. While there is such a partition the wait is half the time for which nothing has run low: about as long
 * as a stock lasts from its half on, with as much time to spare.
 */
export class FetchWait {
  #lowAt = Number.NEGATIVE_INFINITY

  /** A partition has come to want more. `nowMs`: a monotonic clock. */
  ranLow(nowMs: number): void {
    this.#lowAt = nowMs
  }

  /** In whole ms. `isSated`: a partition has enough for now, and is not asked for. */
  next(isSated: boolean, nowMs: number): number {
    if (!isSated) return MAX_WAIT_MS
    return Math.round(Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, (nowMs - this.#lowAt) / 2)))
  }
}
