import { TidemillError } from '../errors.ts'

/** A promise's result, or a `CONNECT_TIMEOUT` after `timeoutMs`. What comes later is ignored, its rejection too. */
export function within<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new TidemillError('CONNECT_TIMEOUT', `expected ${what} within ${timeoutMs} ms, got no answer`)),
      timeoutMs,
    )
    promise.then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}

/** Waits for a promise, at most `timeoutMs`, whatever becomes of it. Never rejects. */
export function settledWithin(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
  return within(promise, timeoutMs, 'an end').then(ignore, ignore)
}

/**
 * The wait before try `attempt` (from 0): full jitter, that is a random share of a bound that doubles from `baseMs`
 * to `capMs`. https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function fullJitter(attempt: number, baseMs: number, capMs: number): number {
  return Math.round(Math.random() * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30)))
}

/** A pause that can be cut short. */
export class Pause {
  #wake: (() => void) | undefined

  /** Waits `ms`, or until `cut`. One wait at a time. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.cut(), ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  cut(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}

export function ignore(): void {}
