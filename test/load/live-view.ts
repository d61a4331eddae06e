import type { WriteStream } from 'node:tty'

/** What a view shows at one moment. */
export interface Drawing {
  /** For a terminal, line by line; colours carry no meaning. */
  picture(): string[]
  /** The same in one line, for a log. */
  line(): string
}

const DRAW_EVERY_MS = 100
const LINE_EVERY_MS = 1_000
const RATE_OVER_MS = 2_000

/** A live view on stderr: redrawn in place on a terminal, a line a second elsewhere. */
export class LiveView {
  readonly #out: WriteStream
  readonly #drawing: Drawing
  readonly #begun = performance.now()
  readonly #timer: NodeJS.Timeout
  #now = ''
  #drawn = 0

  constructor(out: WriteStream, drawing: Drawing) {
    this.#out = out
    this.#drawing = drawing
    this.#timer = setInterval(() => this.#draw(), out.isTTY ? DRAW_EVERY_MS : LINE_EVERY_MS)
  }

  /** What was said last, one sentence. */
  get now(): string {
    return this.#now
  }

  get elapsedMs(): number {
    return performance.now() - this.#begun
  }

  /** Says what happens from now on. */
  say(now: string): void {
    this.#now = now
    if (this.#out.isTTY) this.#draw()
    else this.#out.write(`${seconds(this.elapsedMs)}  ${now}\n`)
  }

  /** Draws once more and leaves the picture standing. */
  end(): void {
    clearInterval(this.#timer)
    this.#draw()
  }

  #draw(): void {
    if (!this.#out.isTTY) {
      this.#out.write(`${this.#drawing.line()}\n`)
      return
    }
    const width = this.#out.columns ?? 80
    const lines = this.#drawing.picture().map((line) => clip(line, width))
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : ''
    this.#out.write(`${up}${lines.map((line) => `\r${line}\x1b[K\n`).join('')}\x1b[J`)
    this.#drawn = lines.length
  }
}

/** How fast a count grows: its growth over the last two seconds. */
export class RateMeter {
  readonly #history: { readonly at: number; readonly count: number }[] = []

  /** The rate a second, when the count is this now. */
  of(count: number): number {
    const at = performance.now()
    this.#history.push({ at, count })
    while (this.#history.length > 2 && at - this.#history[1]!.at >= RATE_OVER_MS) this.#history.shift()
    const oldest = this.#history[0]!
    const elapsedMs = at - oldest.at
    return elapsedMs === 0 ? 0 : ((count - oldest.count) / elapsedMs) * 1_000
  }
}

/** A bar of so many cells, filled by a share of 0 to 1. */
export function bar(share: number, width = 32): string {
  const filled = Math.floor(share * width)
  return `\x1b[36m${'█'.repeat(filled)}\x1b[2m${'░'.repeat(width - filled)}\x1b[0m`
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1).padStart(5)} s`
}

export function rate(perSecond: number): string {
  return `${perSecond < 10 ? perSecond.toFixed(1) : figure(Math.round(perSecond))}/s`
}

/** A number with its noun. */
export function counted(count: number, noun: string): string {
  return `${figure(count)} ${noun}${count === 1 ? '' : 's'}`
}

export function figure(value: number): string {
  return value.toLocaleString('en-US')
}

/** Cuts a line to the width of the terminal, not counting what only changes its looks. */
function clip(line: string, width: number): string {
  let shown = 0
  let kept = ''
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins what is not shown
  for (const part of line.split(/(\x1b\[[0-9;]*m)/)) {
    if (part.startsWith('\x1b')) kept += part
    else {
      kept += part.slice(0, Math.max(0, width - shown))
      shown += part.length
    }
  }
  return kept
}
