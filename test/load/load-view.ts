import type { WriteStream } from 'node:tty'
import type { BacklogReading } from '../../worker/contracts.ts'
import { bar, counted, figure, LiveView, RateMeter, rate, seconds } from './live-view.ts'
import { STRIKES, type Strike, type StrikeCounts } from './strikes.ts'
import type { WaitFigures } from './waits.ts'

/** One worker as the view shows it. */
export interface WorkerRow {
  readonly name: string
  readonly pid: number
  readonly isLeaving: boolean
  readonly inFlight: number
}

/** All that the view shows at one moment. */
export interface LoadFrame {
  readonly title: string
  readonly total: number
  readonly enqueued: number
  readonly done: number
  readonly inFlight: number
  /** From the broker; undefined while it has not answered yet. */
  readonly backlog: Pick<BacklogReading, 'ready' | 'suspects' | 'waiting' | 'dead'> | undefined
  /** Of the jobs begun last. */
  readonly waits: WaitFigures
  readonly strikes: { readonly asked: StrikeCounts; readonly hit: StrikeCounts; readonly voids: number }
  /** Those that run. */
  readonly workers: readonly WorkerRow[]
}

/** What only the view knows. */
interface Moment {
  readonly elapsedMs: number
  /** Jobs done a second. */
  readonly perSecond: number
  /** What was said last, the latest at the end. */
  readonly said: readonly string[]
}

const KEPT_SENTENCES = 4

/** A live view of a load on stderr. */
export class LoadView {
  readonly #view: LiveView
  readonly #take: () => LoadFrame
  readonly #meter = new RateMeter()
  readonly #said: string[] = []

  /** @param take gives what there is to show at the moment */
  constructor(out: WriteStream, take: () => LoadFrame) {
    this.#take = take
    this.#view = new LiveView(out, {
      picture: () => this.#draw(pictureOf),
      line: () => this.#draw(lineOf),
    })
  }

  /** Says what happens. */
  say = (sentence: string): void => {
    this.#said.push(`${seconds(this.#view.elapsedMs)}  ${sentence}`)
    if (this.#said.length > KEPT_SENTENCES) this.#said.shift()
    this.#view.say(sentence)
  }

  /** Draws once more and leaves the picture standing. */
  end(): void {
    this.#view.end()
  }

  #draw<T>(draw: (frame: LoadFrame, moment: Moment) => T): T {
    const frame = this.#take()
    const perSecond = this.#meter.of(frame.done)
    return draw(frame, { elapsedMs: this.#view.elapsedMs, perSecond, said: this.#said })
  }
}

/** The picture of one moment, line by line. */
export function pictureOf(frame: LoadFrame, { elapsedMs, perSecond, said }: Moment): string[] {
  const { total, enqueued, done, workers } = frame
  const share = (count: number) => (total === 0 ? 1 : Math.min(1, count / total))
  const lines = [
    `\x1b[1m${frame.title}\x1b[0m  ${seconds(elapsedMs)}`,
    '',
    `  enqueued  ${bar(share(enqueued))}  ${figure(enqueued)} of ${figure(total)}`,
    `  done      ${bar(share(done))}  ${figure(done)}, ${rate(perSecond)}`,
    `            ${standingOf(frame)}`,
    `  waiting   ${waitsOf(frame.waits)}`,
    `  strikes   ${strikesOf(frame.strikes)}`,
    '',
  ]
  for (const { name, pid, isLeaving, inFlight } of workers) {
    lines.push(`  ${name.padEnd(12)}pid ${String(pid).padEnd(9)}${doingOf(isLeaving, inFlight)}`)
  }
  lines.push('', ...said)
  return lines
}

/** The same moment in one line, for a log. */
export function lineOf(frame: LoadFrame, { elapsedMs, perSecond }: Moment): string {
  const { total, enqueued, done, workers } = frame
  const parts = [
    `${figure(enqueued)}/${figure(total)} enqueued, ${figure(done)} done, ${rate(perSecond)}, ${standingOf(frame)}`,
    `waiting ${waitsOf(frame.waits)}`,
    counted(workers.length, 'worker'),
  ]
  return `${seconds(elapsedMs)}  ${parts.join(' | ')}`
}

function standingOf({ backlog, inFlight }: LoadFrame): string {
  const hand = `${figure(inFlight)} in flight`
  if (backlog === undefined) return hand
  const parts = [`${figure(backlog.ready)} in the backlog`, hand]
  if (backlog.suspects > 0) parts.push(`${figure(backlog.suspects)} suspects`)
  if (backlog.waiting > 0) parts.push(`${figure(backlog.waiting)} waiting for a retry`)
  if (backlog.dead > 0) parts.push(`${figure(backlog.dead)} dead-lettered`)
  return parts.join(', ')
}

function waitsOf({ p50, p95, max }: WaitFigures): string {
  return p50 === null
    ? 'nothing begun yet'
    : `p50 ${figure(p50)} ms, p95 ${figure(p95!)} ms, at most ${figure(max!)} ms`
}

function strikesOf({ asked, hit, voids }: LoadFrame['strikes']): string {
  const kinds = STRIKES.filter((kind) => asked[kind] > 0).map(
    (kind) => `${LABELS[kind]} ${hit[kind]} of ${asked[kind]}`,
  )
  if (kinds.length === 0) return 'none'
  return `${kinds.join(', ')}${voids === 0 ? '' : ` (${voids} void)`}`
}

const LABELS: Readonly<Record<Strike, string>> = {
  kill: 'SIGKILL',
  term: 'SIGTERM',
  restart: 'restart of the broker',
  cut: 'cut',
}

function doingOf(isLeaving: boolean, inFlight: number): string {
  if (isLeaving) return `draining, ${counted(inFlight, 'job')} to finish`
  return inFlight === 0 ? 'nothing in hand' : `working on ${counted(inFlight, 'job')}`
}
