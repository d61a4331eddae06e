import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What is written down of each job: `enqueued` when the broker confirmed it, `started` when a handler began, `done` before the job is settled. */
export const PAGES = ['enqueued', 'started', 'done'] as const
export type Page = (typeof PAGES)[number]

/** One line of a page. */
export interface Entry {
  /** The job's id. */
  readonly id: string
  /** The process that wrote the line. */
  readonly pid: number
  /** ms since the epoch. */
  readonly t: number
}

/** The whole ledger, in the order in which the lines were written. */
export type Ledger = Readonly<Record<Page, readonly Entry[]>>

/**
 * Writes `enqueued.ndjson`, `started.ndjson` and `done.ndjson` in one folder. Many processes write to the same files: each line is one
 * appending write, made before the call returns, so what a process wrote survives its SIGKILL.
 */
export class LedgerWriter {
  readonly #files: Record<Page, number>

  /** @param folder made when it is not there; an existing ledger is continued */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true })
    const open = (page: Page) => openSync(pathOf(folder, page), 'a')
    this.#files = { enqueued: open('enqueued'), started: open('started'), done: open('done') }
  }

  /** @throws what the file system throws: a job whose line is missing must not be settled */
  write(page: Page, id: string): void {
    const entry: Entry = { id, pid: process.pid, t: Date.now() }
    const line = Buffer.from(`${JSON.stringify(entry)}\n`)
    const written = writeSync(this.#files[page], line)
    if (written !== line.length) throw new Error(`the ledger's ${page} took ${written} of ${line.length} bytes`)
  }

  close(): void {
    for (const file of Object.values(this.#files)) closeSync(file)
  }
}

/**
 * Reads a ledger back. A page that is not there is empty.
 * @throws Error naming the file and the line that is not an entry
 */
export async function readLedger(folder: string): Promise<Ledger> {
  const [enqueued, started, done] = await Promise.all(PAGES.map((page) => readPage(pathOf(folder, page))))
  return { enqueued: enqueued!, started: started!, done: done! }
}

function pathOf(folder: string, page: Page): string {
  return join(folder, `${page}.ndjson`)
}

async function readPage(path: string): Promise<Entry[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  const lines = text.split('\n')
  if (lines.pop() !== '') throw new Error(`${path}: the last line has no end`)
  return lines.map((line, index) => parse(line, `${path}:${index + 1}`))
}

function parse(line: string, place: string): Entry {
  let entry: Partial<Entry> | null
  try {
    entry = JSON.parse(line)
  } catch (cause) {
    throw new Error(`${place}: expected {"id","pid","t"} as JSON, got ${JSON.stringify(line.slice(0, 80))}`, { cause })
  }
  if (typeof entry?.id !== 'string' || typeof entry.pid !== 'number' || typeof entry.t !== 'number') {
    throw new Error(`${place}: expected {"id","pid","t"}, got ${line.slice(0, 80)}`)
  }
  return { id: entry.id, pid: entry.pid, t: entry.t }
}
