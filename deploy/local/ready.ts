import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, TidemillError } from '../../worker/errors.ts'
import { tail } from './command.ts'

const POLL_MS = 100

/** What to know while waiting for a broker. */
export interface Awaited {
  readonly timeoutMs: number
  /** Asked between two tries: a sentence when the broker can't become ready any more. */
  readonly obituary?: () => string | undefined
  /** What the broker logged so far. */
  readonly logs: () => Promise<string>
}

/**
 * Asks until there is an answer that is not undefined, and returns it. Rejects with `NO_BROKER` and the end of the broker's log when the time is over,
 * or as soon as the broker is known to be dead.
 */
export async function untilReady<T>(ask: () => Promise<T | undefined>, awaited: Awaited): Promise<T> {
  const { timeoutMs, obituary = () => undefined, logs } = awaited
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    const dead = obituary() ?? (performance.now() > deadline ? `it was not ready after ${timeoutMs} ms` : undefined)
    if (dead !== undefined) {
      const end = await logs().catch((error) => messageOf(error))
      throw new TidemillError('NO_BROKER', `the broker did not start: ${dead}; the end of its log:\n${tail(end, 15)}`)
    }
    await sleep(POLL_MS)
  }
}
