/** Time as the memory broker needs it; a test's own clock drives the retry delays. */
export interface MemoryClock {
  /** ms since the epoch. */
  now(): number
  /** Calls back once after `delayMs`, at most 2,147,483,647; what it returns goes to `clearTimeout`. */
  setTimeout(callback: () => void, delayMs: number): unknown
  clearTimeout(timer: unknown): void
}

/**
 * The clock of this process. The globals are looked up at each call, so that a test runner's fake timers work too.
 * Its timers don't keep the process alive: a source that is open does.
 */
export const processClock: MemoryClock = {
  now: () => Date.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
}
