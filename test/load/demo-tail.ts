import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Entry } from './ledger.ts'

/** Follows the ledger of a run that goes on: what was done, and who has what in hand. */
export class LedgerTail {
  readonly #started: PageTail
  readonly #done: PageTail
  readonly #inHand = new Map<number, Set<string>>()
  readonly #finished = new Set<string>()
  #reading: Promise<void> = Promise.resolve()

  /** @param folder the ledger's; its pages may not be there yet */
  constructor(folder: string) {
    this.#started = new PageTail(join(folder, 'started.ndjson'))
    this.#done = new PageTail(join(folder, 'done.ndjson'))
  }

  /** Distinct jobs done, by what their ids begin with. */
  done(prefix: string): number {
    let count = 0
    for (const id of this.#finished) if (id.startsWith(prefix)) count++
    return count
  }

  /** Jobs that a process started and has not done. */
  inFlight(pid: number): number {
    return this.#inHand.get(pid)?.size ?? 0
  }

  /** Jobs that any process started and has not done, by what their ids begin with. */
  inFlightOf(prefix: string): number {
    let count = 0
    for (const ids of this.#inHand.values()) for (const id of ids) if (id.startsWith(prefix)) count++
    return count
  }

  /** Reads what was written since. */
  read(): Promise<void> {
    this.#reading = this.#reading.then(() => this.#read())
    return this.#reading
  }

  async close(): Promise<void> {
    await this.#reading
    await this.#started.close()
    await this.#done.close()
  }

  async #read(): Promise<void> {
    // In this order a job that is done is known to be started.
    const done = await this.#done.read()
    for (const { id, pid } of await this.#started.read()) {
      const ids = this.#inHand.get(pid) ?? new Set()
      this.#inHand.set(pid, ids.add(id))
    }
    for (const { id, pid } of done) {
      this.#inHand.get(pid)?.delete(id)
      this.#finished.add(id)
    }
  }
}

class PageTail {
  readonly #path: string
  #file: FileHandle | undefined
  #rest = ''

  constructor(path: string) {
    this.#path = path
  }

  /** The entries written since the last read; a line that is being written is left for the next. */
  async read(): Promise<Entry[]> {
    try {
      this.#file ??= await open(this.#path, 'r')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
    const buffer = Buffer.alloc(256 * 1024)
    let text = this.#rest
    for (;;) {
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, null)
      if (bytesRead === 0) break
      text += buffer.toString('latin1', 0, bytesRead)
    }
    const lines = text.split('\n')
    this.#rest = lines.pop()!
    return lines.map((line) => JSON.parse(Buffer.from(line, 'latin1').toString()))
  }

  async close(): Promise<void> {
    await this.#file?.close()
  }
}
