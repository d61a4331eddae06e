import type { WriteStream } from 'node:tty'
import { bar, counted, figure, LiveView, RateMeter, rate, seconds } from './live-view.ts'

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

/** A live view of the demo on stderr. */
export class DemoView {
  readonly #view: LiveView
  readonly #take: () => Omit<Frame, 'rates' | 'elapsedMs' | 'now'>
  readonly #meters: RateMeter[] = []

  /** @param take gives what there is to show at the moment */
  constructor(out: WriteStream, take: () => Omit<Frame, 'rates' | 'elapsedMs' | 'now'>) {
    this.#take = take
    this.#view = new LiveView(out, { picture: () => pictureOf(this.#frame()), line: () => lineOf(this.#frame()) })
  }

  /** Says what happens from now on. */
  say(now: string): void {
    this.#view.say(now)
  }

  /** Draws once more and leaves the picture standing. */
  end(): void {
    this.#view.end()
  }

  #frame(): Frame {
    const taken = this.#take()
    const rates = taken.lanes.map(({ done }, index) => (this.#meters[index] ??= new RateMeter()).of(done))
    return { ...taken, rates, elapsedMs: this.#view.elapsedMs, now: this.#view.now }
  }
}

/** The picture of one moment, line by line, without colours that carry meaning. */
export function pictureOf(frame: Frame): string[] {
  const lines = [`\x1b[1m${frame.title}\x1b[0m  ${seconds(frame.elapsedMs)}`, '']
  for (const [index, lane] of frame.lanes.entries()) {
    const progress = bar(lane.total === 0 ? 1 : lane.done / lane.total)
    const count = `${figure(lane.done)} of ${figure(lane.total)} done`
    lines.push(`  ${lane.label.padEnd(8)}${progress}  ${count}, ${rate(frame.rates[index] ?? 0)}`)
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
