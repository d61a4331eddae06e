import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 20

/**
 * Waits until a condition holds, for what no event tells (another process, a broker's figure). Returns what it gave.
 * @param what what is waited for, in words; stands in the error when the time is over
 */
export async function waitFor<T>(
  what: string,
  condition: () => T | Promise<T>,
  { timeoutMs = 15_000, everyMs = POLL_MS } = {},
): Promise<Exclude<T, false | undefined>> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await condition()
    if (value) return value as Exclude<T, false | undefined>
    if (performance.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms in vain until ${what}; the last look gave ${JSON.stringify(value)}`)
    }
    await sleep(everyMs)
  }
}

/** The promise's outcome, or an error that names what was waited for when it takes too long. */
export async function within<T>(what: string, timeoutMs: number, promise: Promise<T>): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`waited ${timeoutMs} ms in vain until ${what}`)), timeoutMs)
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}
