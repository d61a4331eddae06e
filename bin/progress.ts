import type { WriteStream } from 'node:tty'

const WIDTH = 30
const DRAW_EVERY_MS = 100
const LINE_EVERY_MS = 2_000

/** How far something is, on stderr: a bar that moves on a terminal, a line every two seconds elsewhere. */
export class Progress {
  readonly #out: WriteStream
  readonly #total: number | undefined
  readonly #what: string
  readonly #begun = performance.now()
  #drawn = Number.NEGATIVE_INFINITY
  #done = 0

  /** @param total how many there will be, where that is known */
  constructor(out: WriteStream, what: string, total: number | undefined) {
    this.#out = out
    this.#what = what
    this.#total = total
    if (!out.isTTY) this.#drawn = this.#begun
  }

  step(): void {
    this.#done++
    const now = performance.now()
    if (now - this.#drawn < (this.#out.isTTY ? DRAW_EVERY_MS : LINE_EVERY_MS)) return
    this.#drawn = now
    this.#draw(now)
  }

  end(): void {
    this.#draw(performance.now())
    if (this.#out.isTTY) this.#out.write('\n')
  }

  #draw(now: number): void {
    const line = progressLine(this.#what, this.#done, this.#total, (now - this.#begun) / 1_000)
    this.#out.write(this.#out.isTTY ? `\r${line}\x1b[K` : `${line}\n`)
  }
}

/** One line: a bar where the total is known, the count, and the rate. */
export function progressLine(what: string, done: number, total: number | undefined, seconds: number): string {
  const rate = `${Math.round(done / Math.max(seconds, 0.001))}/s`
  if (total === undefined || total === 0) return `${done} ${what}, ${rate}`
  const filled = Math.min(WIDTH, Math.round((done / total) * WIDTH))
  return `[${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${done}/${total} ${what}, ${rate}`
}
