import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { type Entry, parseEntry } from './ledger.ts'

const NONE: ReadonlySet<string> = new Set()

/** Follows the ledger of a run that goes on: what was done, and which process has what in hand. */
export class LedgerTail {
  readonly #started: PageTail
  readonly #done: PageTail
  readonly #failed: PageTail
  readonly #onStart: (entry: Entry) => void
  readonly #holders = new Map<string, number>()
  readonly #inHand = new Map<number, Set<string>>()
  readonly #finished = new Set<string>()
  #lines = 0
  #reading: Promise<void> = Promise.resolve()

  /**
   * @param folder the ledger's; its pages may not be there yet
   * @param onStart told of each begin of a handler
   */
  constructor(folder: string, onStart: (entry: Entry) => void = () => {}) {
    const page = (name: string) => new PageTail(join(folder, `${name}.ndjson`))
    this.#started = page('started')
    this.#done = page('done')
    this.#failed = page('failed')
    this.#onStart = onStart
  }

  /** Distinct jobs done. */
  get done(): number {
    return this.#finished.size
  }

  /** Distinct jobs done whose ids begin so. */
  doneOf(prefix: string): number {
    return countOf(this.#finished, prefix)
  }

  /** Jobs that any process began and has not ended, whose ids begin so. */
  inHandOfAny(prefix: string): number {
    return countOf(this.#holders.keys(), prefix)
  }

  /** Lines read so far: it grows as long as anything moves. */
  get lines(): number {
    return this.#lines
  }

  isDone(id: string): boolean {
    return this.#finished.has(id)
  }

  /** The jobs that a process began and has not ended. A job that another process began since is in that one's hand. */
  inHandOf(pid: number): ReadonlySet<string> {
    return this.#inHand.get(pid) ?? NONE
  }

  /** Reads what was written since. */
  read(): Promise<void> {
    this.#reading = this.#reading.then(() => this.#read())
    return this.#reading
  }

  async close(): Promise<void> {
    await this.#reading.catch(() => {})
    await Promise.all([this.#started, this.#done, this.#failed].map((page) => page.close()))
  }

  async #read(): Promise<void> {
    // In this order a job that has ended is known to be started.
    const failed = await this.#failed.read()
    const done = await this.#done.read()
    const started = await this.#started.read()
    this.#lines += failed.length + done.length + started.length
    for (const entry of started) {
      this.#take(entry)
      this.#onStart(entry)
    }
    for (const entry of failed) this.#release(entry)
    for (const entry of done) {
      this.#release(entry)
      this.#finished.add(entry.id)
    }
  }

  #take({ id, pid }: Entry): void {
    const holder = this.#holders.get(id)
    if (holder !== undefined) this.#inHand.get(holder)?.delete(id)
    this.#holders.set(id, pid)
    const ids = this.#inHand.get(pid)
    if (ids === undefined) this.#inHand.set(pid, new Set([id]))
    else ids.add(id)
  }

  #release({ id, pid }: Entry): void {
    if (this.#holders.get(id) !== pid) return
    this.#holders.delete(id)
    this.#inHand.get(pid)?.delete(id)
  }
}

function countOf(ids: Iterable<string>, prefix: string): number {
  let count = 0
  for (const id of ids) if (id.startsWith(prefix)) count++
  return count
}

class PageTail {
  readonly #path: string
  readonly #buffer = Buffer.alloc(256 * 1024)
  #file: FileHandle | undefined
  #rest = ''
  #read = 0

  constructor(path: string) {
    this.#path = path
  }

  /**
   * The entries written since the last read; a line that is being written is left for the next.
   * @throws Error naming the file and the line that is none: a worker in another language may write what it likes
   */
  async read(): Promise<Entry[]> {
    try {
      this.#file ??= await open(this.#path, 'r')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
    let text = this.#rest
    for (;;) {
      const { bytesRead } = await this.#file.read(this.#buffer, 0, this.#buffer.length, null)
      if (bytesRead === 0) break
      // A character may be cut in two here: bytes stay bytes until the line is whole.
      text += this.#buffer.toString('latin1', 0, bytesRead)
    }
    const lines = text.split('\n')
    this.#rest = lines.pop()!
    return lines.map((line) => parseEntry(Buffer.from(line, 'latin1').toString(), `${this.#path}:${++this.#read}`))
  }

  async close(): Promise<void> {
    await this.#file?.close()
  }
}
