import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * What is written down of each job. By who enqueues: `enqueued` when the broker confirmed it, `unconfirmed` when it may have come or not,
 * `dead` when it was found in the dead-letter queue at the end. By the worker: `started` when a handler began, then `done` or `failed`
 * before the job is settled.
 */
export const PAGES = ['enqueued', 'unconfirmed', 'started', 'done', 'failed', 'dead'] as const
export type Page = (typeof PAGES)[number]

/** What may be known of a job besides that it was enqueued. */
export interface Remarks {
  /** Its ordering key. */
  readonly key?: string
  /** Made to fail: it belongs into the dead-letter queue. */
  readonly planted?: true
}

/** One line of a page. */
export interface Entry extends Remarks {
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
 * Writes each page as `PAGE.ndjson` in one folder. Many processes write to the same files: each line is one appending write, made before
 * the call returns, so what a process wrote survives its SIGKILL.
 */
export class LedgerWriter {
  readonly #files: Record<Page, number>
  readonly #pid: number

  /**
   * @param folder made when it is not there; an existing ledger is continued
   * @param pid stands in the lines for the process; default: this one's
   */
  constructor(folder: string, pid = process.pid) {
    this.#pid = pid
    mkdirSync(folder, { recursive: true })
    const open = (page: Page) => openSync(pathOf(folder, page), 'a')
    this.#files = pages(open)
  }

  /** @throws what the file system throws: a job whose line is missing must not be settled */
  write(page: Page, id: string, remarks: Remarks = {}): void {
    const entry: Entry = { id, pid: this.#pid, t: Date.now(), ...remarks }
    appendLine(this.#files[page], entry, page)
  }

  close(): void {
    for (const file of Object.values(this.#files)) closeSync(file)
  }
}

/** Appends one value as a line of JSON, in one write. @throws what the file system throws */
export function appendLine(file: number, value: object, name: string): void {
  const line = Buffer.from(`${JSON.stringify(value)}\n`)
  const written = writeSync(file, line)
  if (written !== line.length) throw new Error(`the ledger's ${name} took ${written} of ${line.length} bytes`)
}

/**
 * Reads a ledger back. A page that is not there is empty. With `isOpen` it is still written, and a last line that is there in part
 * is left out: others may see a write before it has ended.
 * @throws Error naming the file and the line that is not an entry
 */
export async function readLedger(folder: string, { isOpen = false } = {}): Promise<Ledger> {
  const read = await Promise.all(PAGES.map((page) => readLines(pathOf(folder, page), parseEntry, isOpen)))
  return pages((page) => read[PAGES.indexOf(page)]!)
}

function pages<T>(of: (page: Page) => T): Record<Page, T> {
  return Object.fromEntries(PAGES.map((page) => [page, of(page)])) as Record<Page, T>
}

function pathOf(folder: string, page: Page): string {
  return join(folder, `${page}.ndjson`)
}

/** One line of a page. @throws Error naming the place where it stands */
export function parseEntry(line: string, place: string): Entry {
  return parseLine<Entry>(
    line,
    place,
    '{"id","pid","t"}',
    ({ id, pid, t }) => typeof id === 'string' && typeof pid === 'number' && typeof t === 'number',
  )
}

/** A line of JSON that must be an object of the `expected` form. @throws Error naming the place where it stands */
export function parseLine<T extends object>(
  line: string,
  place: string,
  expected: string,
  fits: (value: Partial<T>) => boolean,
): T {
  const fault = (cause?: unknown) =>
    new Error(`${place}: expected ${expected} as JSON, got ${JSON.stringify(line.slice(0, 80))}`, { cause })
  let value: Partial<T> | null
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw fault(cause)
  }
  if (typeof value !== 'object' || value === null || !fits(value)) throw fault()
  return value as T
}

/**
 * A file with one value a line. A file that is not there has no lines.
 * @param parse is told the line and where it stands
 * @param isOpen whether a last line without an end is left out, not an error
 */
export async function readLines<T>(
  path: string,
  parse: (line: string, place: string) => T,
  isOpen = false,
): Promise<T[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  const lines = text.split('\n')
  if (lines.pop() !== '' && !isOpen) throw new Error(`${path}: the last line has no end`)
  return lines.map((line, index) => parse(line, `${path}:${index + 1}`))
}
