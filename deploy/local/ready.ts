import { setTimeout as sleep } from 'node:timers/promises'
import { accepts } from './ports.ts'

const POLL_MS = 100

/** Where a broker answers on this machine. */
export interface Doors {
  readonly amqp: number
  readonly management: number
}

/** Asked between two tries: a sentence when the broker can't become ready any more. */
export type Obituary = () => string | undefined

/**
 * Waits until the broker accepts AMQP and its management answers, and returns its version.
 * Rejects with an Error when the time is over, or as soon as the broker is known to be dead.
 */
export async function untilReady(doors: Doors, timeoutMs: number, obituary: Obituary): Promise<string> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const version = (await accepts(doors.amqp)) ? await versionOf(doors.management) : undefined
    if (version !== undefined) return version
    const dead = obituary()
    if (dead !== undefined) throw new Error(dead)
    if (performance.now() > deadline) throw new Error(`the broker was not ready after ${timeoutMs} ms`)
    await sleep(POLL_MS)
  }
}

async function versionOf(port: number): Promise<string | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/api/overview`, {
      headers: { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}` },
      signal: AbortSignal.timeout(2_000),
    })
    if (!response.ok) {
      await response.body?.cancel()
      return undefined
    }
    const overview = (await response.json()) as { rabbitmq_version?: unknown }
    return typeof overview.rabbitmq_version === 'string' ? overview.rabbitmq_version : undefined
  } catch {
    return undefined
  }
}
