import type { EventEmitter } from 'node:events'

/** What a process does when it is asked to end. */
export interface Signals {
  /** Says what the first signal, and each further one, does. Until then the first one ends the process with exit code 0: nothing has begun. */
  handle(handler: (signal: NodeJS.Signals, isFirst: boolean) => void): void
  /** Gives the signals back to Node. */
  stop(): void
}

const ENDING = ['SIGTERM', 'SIGINT'] as const
/** A Ctrl+C under `npm run` comes twice, from the terminal and from npm. */
const SAME_MS = 200

/** Listens for SIGTERM and SIGINT. Takes SIGUSR1 as well and does nothing: Node would open its debugger. */
export function listenForSignals(source: Pick<EventEmitter, 'on' | 'off'> = process): Signals {
  let handler = (_signal: NodeJS.Signals, _isFirst: boolean): void => process.exit(0)
  const last = new Map<string, number>()
  const heard = (signal: NodeJS.Signals): void => {
    const now = performance.now()
    const before = last.get(signal)
    if (before !== undefined && now - before < SAME_MS) return
    const isFirst = last.size === 0
    last.set(signal, now)
    handler(signal, isFirst)
  }
  const ignored = (): void => {}
  for (const signal of ENDING) source.on(signal, heard)
  source.on('SIGUSR1', ignored)
  return {
    handle(next) {
      handler = next
    },
    stop() {
      for (const signal of ENDING) source.off(signal, heard)
      source.off('SIGUSR1', ignored)
    },
  }
}
