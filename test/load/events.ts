import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { appendLine, parseLine, readLines } from './ledger.ts'
import type { Strike } from './strikes.ts'

/** What happened in a run besides jobs: lines of `events.ndjson`, beside the pages of the ledger. */
export type RunEvent =
  | { readonly event: 'start'; readonly worker: string; readonly pid: number }
  | {
      readonly event: 'end'
      readonly worker: string
      /** Null where a signal ended it. */
      readonly code: number | null
      readonly signal: NodeJS.Signals | null
      /** Nobody had asked it to. */
      readonly unasked: boolean
    }
  | {
      readonly event: 'strike'
      readonly strike: Strike
      /** Whom it struck; of a restart or a cut: all. */
      readonly worker?: string
      /** The jobs that were in flight there. A strike that hit none is void: it does not count. */
      readonly hit: number
      /** How long the broker was away, of a restart. */
      readonly tookMs?: number
    }

/** An event with its time, ms since the epoch. */
export type TimedEvent = RunEvent & { readonly t: number }

/** Writes the events of a run. */
export class EventLog {
  readonly #file: number

  /** @param folder the ledger's */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true })
    this.#file = openSync(pathOf(folder), 'a')
  }

  /** @param t when it happened, ms since the epoch; default: now */
  write(event: RunEvent, t = Date.now()): void {
    appendLine(this.#file, { t, ...event }, 'events')
  }

  close(): void {
    closeSync(this.#file)
  }
}

/** Reads the events of a run back, in the order in which they were written. @throws Error naming the file and the line that is none */
export function readEvents(folder: string): Promise<TimedEvent[]> {
  return readLines(pathOf(folder), (line, place) =>
    parseLine<TimedEvent>(
      line,
      place,
      '{"t","event"}',
      ({ t, event }) => typeof t === 'number' && typeof event === 'string',
    ),
  )
}

function pathOf(folder: string): string {
  return join(folder, 'events.ndjson')
}
