import type { WriteStream } from 'node:tty'

/** One queue as the view shows it. */
export interface LaneView {
  readonly label: string
  readonly total: number
  readonly done: number
  readonly inFlight: number
  /** From the broker; undefined while it has not answered yet. */
  readonly backlog: { readonly ready: number; readonly waiting: number; readonly dead: number } | undefined
}

/** One worker as the view shows it. */
export interface WorkerView {
  readonly name: string
  readonly pid: number | undefined
  readonly state: 'starting' | 'working' | 'draining' | 'ended'
  readonly inFlight: number
}

/** All that the view shows at one moment. */
export interface Frame {
  readonly title: string
  readonly elapsedMs: number
  readonly lanes: readonly LaneView[]
  /** Jobs a second, by lane. */
  readonly rates: readonly number[]
  readonly workers: readonly WorkerView[]
  /** What is happening now, one sentence. */
  readonly now: string
}

const BAR = 32
const DRAW_EVERY_MS = 100
const LINE_EVERY_MS = 1_000
const RATE_OVER_MS = 2_000

/** A live view on stderr: redrawn in place on a terminal, a line a second elsewhere. */
export class DemoView {
  readonly #out: WriteStream
  readonly #take: () => Omit<Frame, 'rates' | 'elapsedMs' | 'now'>
  readonly #begun = performance.now()
  readonly #history: { readonly at: number; readonly done: readonly number[] }[] = []
  readonly #timer: NodeJS.Timeout
  #now = ''
  #drawn = 0

  /** @param take gives what there is to show at the moment */
  constructor(out: WriteStream, take: () => Omit<Frame, 'rates' | 'elapsedMs' | 'now'>) {
    this.#out = out
    this.#take = take
    this.#timer = setInterval(() => this.#draw(), out.isTTY ? DRAW_EVERY_MS : LINE_EVERY_MS)
  }

  /** Says what happens from now on. */
  say(now: string): void {
    this.#now = now
    if (this.#out.isTTY) this.#draw()
    else this.#out.write(`${seconds(performance.now() - this.#begun)}  ${now}\n`)
  }

  /** Draws once more and leaves the picture standing. */
  end(): void {
    clearInterval(this.#timer)
    this.#draw()
  }

  #draw(): void {
    const taken = this.#take()
    const rates = this.#ratesOf(taken.lanes)
    const frame = { ...taken, rates, elapsedMs: performance.now() - this.#begun, now: this.#now }
    if (!this.#out.isTTY) {
      this.#out.write(`${lineOf(frame)}\n`)
      return
    }
    const width = this.#out.columns ?? 80
    const lines = pictureOf(frame).map((line) => clip(line, width))
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : ''
    this.#out.write(`${up}${lines.map((line) => `\r${line}\x1b[K\n`).join('')}\x1b[J`)
    this.#drawn = lines.length
  }

  #ratesOf(lanes: readonly LaneView[]): number[] {
    const at = performance.now()
    this.#history.push({ at, done: lanes.map(({ done }) => done) })
    while (this.#history.length > 2 && at - this.#history[1]!.at >= RATE_OVER_MS) this.#history.shift()
    const oldest = this.#history[0]!
    const elapsedMs = at - oldest.at
    return lanes.map(({ done }, index) => (elapsedMs === 0 ? 0 : ((done - oldest.done[index]!) / elapsedMs) * 1_000))
  }
}

/** The picture of one moment, line by line, without colours that carry meaning. */
export function pictureOf(frame: Frame): string[] {
  const lines = [`\x1b[1m${frame.title}\x1b[0m  ${seconds(frame.elapsedMs)}`, '']
  for (const [index, lane] of frame.lanes.entries()) {
    const filled = lane.total === 0 ? BAR : Math.floor((lane.done / lane.total) * BAR)
    const bar = `\x1b[36m${'█'.repeat(filled)}\x1b[2m${'░'.repeat(BAR - filled)}\x1b[0m`
    const count = `${figure(lane.done)} of ${figure(lane.total)} done`
    lines.push(`  ${lane.label.padEnd(8)}${bar}  ${count}, ${rate(frame.rates[index] ?? 0)}`)
    lines.push(`  ${''.padEnd(8)}${standingOf(lane)}`)
  }
  lines.push('')
  for (const { name, pid, state, inFlight } of frame.workers) {
    lines.push(
      `  ${name.padEnd(10)}${pid === undefined ? '' : `pid ${String(pid).padEnd(9)}`}${doingOf(state, inFlight)}`,
    )
  }
  lines.push('', `  ${frame.now}`)
  return lines
}

/** The same moment in one line, for a log. */
export function lineOf(frame: Frame): string {
  const lanes = frame.lanes.map((lane, index) => {
    const progress = `${figure(lane.done)}/${figure(lane.total)} done`
    return `${lane.label}: ${progress}, ${rate(frame.rates[index] ?? 0)}, ${standingOf(lane)}`
  })
  const alive = frame.workers.filter(({ state }) => state !== 'ended').length
  return `${seconds(frame.elapsedMs)}  ${[...lanes, counted(alive, 'worker')].join(' | ')}`
}

function doingOf(state: WorkerView['state'], inFlight: number): string {
  switch (state) {
    case 'starting':
      return 'starting'
    case 'working':
      return inFlight === 0 ? 'waiting for a job' : `working on ${counted(inFlight, 'job')}`
    case 'draining':
      return `draining, ${counted(inFlight, 'job')} to finish`
    case 'ended':
      return inFlight === 0 ? 'ended, nothing left in hand' : `ended with ${counted(inFlight, 'job')} in hand`
  }
}

function standingOf({ backlog, inFlight }: LaneView): string {
  const hand = `${figure(inFlight)} in flight`
  if (backlog === undefined) return hand
  const parts = [`${figure(backlog.ready)} in the backlog`, hand]
  if (backlog.waiting > 0) parts.push(`${figure(backlog.waiting)} waiting for a retry`)
  if (backlog.dead > 0) parts.push(`${figure(backlog.dead)} dead-lettered`)
  return parts.join(', ')
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1).padStart(5)} s`
}

function rate(perSecond: number): string {
  return `${perSecond < 10 ? perSecond.toFixed(1) : figure(Math.round(perSecond))}/s`
}

/** A number with its noun. */
export function counted(count: number, noun: string): string {
  return `${figure(count)} ${noun}${count === 1 ? '' : 's'}`
}

function figure(value: number): string {
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
