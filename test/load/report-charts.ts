/** A piece of HTML or SVG that may be put on a page as it is. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Value = Markup | string | number | readonly Markup[]

/** Markup from a template; what is put into it is escaped, unless it is markup itself. */
export function markup(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(parts.reduce((text, part, index) => `${text}${render(values[index - 1]!)}${part}`))
}

function render(value: Value): string {
  if (value instanceof Markup) return value.text
  if (typeof value === 'object') return value.map(({ text }) => text).join('')
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** One line of a chart: its values at the times of the chart; null where there is none. */
export interface Line {
  readonly name: string
  /** The class that gives it its colour. */
  readonly colour: string
  readonly values: readonly (number | null)[]
  /** Whether what is below the line is filled. */
  readonly isFilled?: boolean
}

/** A moment that every chart marks. */
export interface Mark {
  readonly atMs: number
  /** Where it lasted. */
  readonly tookMs?: number | undefined
  readonly kind: string
  readonly title: string
}

export interface ChartOptions {
  readonly title: string
  /** What the values are, as in `jobs a second`. */
  readonly unit: string
  readonly lengthMs: number
  /** The time of each value. */
  readonly times: readonly number[]
  readonly lines: readonly Line[]
  readonly marks: readonly Mark[]
  readonly isLogarithmic?: boolean
}

const WIDTH = 920
const HEIGHT = 240
const LEFT = 72
const RIGHT = 16
const TOP = 26
const BOTTOM = 28

/** Lines over time, with marks; hovering tells the values. */
export function lineChart(options: ChartOptions): Markup {
  const { title, unit, lengthMs, times, lines, marks, isLogarithmic = false } = options
  const x = xScale(lengthMs)
  const values = lines.flatMap((line) => line.values.filter((value) => value !== null))
  const y = isLogarithmic ? logScale(values) : linearScale(values)
  const paths = lines.map((line) => pathOf(line, times, x, y.place))
  const drawing = markup`
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
      ${y.ticks.map((tick) => yTick(tick, y.place(tick)))}
      ${xTicks(lengthMs, HEIGHT)}
      ${marks.map((mark) => markOf(mark, x, HEIGHT))}
      ${paths}
      ${times.map((atMs, index) => hoverOf(options, index, x(atMs), x(times[index + 1] ?? lengthMs)))}
    </svg>`
  const legend = lines.map(({ name, colour }) => markup`<span class="key ${colour}">${name}</span>`)
  return markup`<figure><figcaption>${title}<small>${unit}</small><span class="legend">${legend}</span></figcaption>${drawing}</figure>`
}

/** One bar of a timeline. */
export interface Bar {
  readonly label: string
  readonly fromMs: number
  readonly toMs: number
  readonly title: string
  /** How it ends. */
  readonly end: string
}

const ROW = 20

/** Bars over the same time as the charts, one row each. */
export function timeline(title: string, lengthMs: number, bars: readonly Bar[], marks: readonly Mark[]): Markup {
  const x = xScale(lengthMs)
  const height = TOP + bars.length * ROW + BOTTOM
  const rows = bars.map(({ label, fromMs, toMs, title: tip, end }, index) => {
    const top = TOP + index * ROW
    const width = Math.max(2, x(toMs) - x(fromMs))
    return markup`<g><title>${tip}</title>
      <text class="tick" x="${LEFT - 8}" y="${top + 14}" text-anchor="end">${label}</text>
      <rect class="life" x="${x(fromMs).toFixed(1)}" y="${top + 4}" width="${width.toFixed(1)}" height="12" rx="4"/>
      ${glyphOf(end, x(toMs), top + 10)}</g>`
  })
  return markup`<figure><figcaption>${title}</figcaption><svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">
    ${xTicks(lengthMs, height)}${marks.map((mark) => markOf(mark, x, height))}${rows}</svg></figure>`
}

/** The sign of a strike. */
export function glyphOf(kind: string, x: number, y: number): Markup {
  const at = `translate(${x.toFixed(1)} ${y.toFixed(1)})`
  const shape = GLYPHS[kind]
  return shape === undefined ? markup`` : markup`<path class="glyph ${kind}" transform="${at}" d="${shape}"/>`
}

/** A cross, a triangle that points down, a ring, and a slash. */
const GLYPHS: Readonly<Record<string, string>> = {
  kill: 'M-4-4L4 4M4-4L-4 4',
  term: 'M-5-4H5L0 5Z',
  restart: 'M4.5 0A4.5 4.5 0 1 1 0-4.5',
  cut: 'M-3 5L3-5M-6 0H-2M2 0H6',
}

function xScale(lengthMs: number): (atMs: number) => number {
  return (atMs) => LEFT + (atMs / Math.max(1, lengthMs)) * (WIDTH - LEFT - RIGHT)
}

interface Scale {
  readonly ticks: readonly number[]
  place(value: number): number
}

function linearScale(values: readonly number[]): Scale {
  const most = values.reduce((max, value) => Math.max(max, value), 1)
  const step = niceStep(most / 4)
  const top = Math.ceil(most / step) * step
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => index * step)
  return { ticks, place: (value) => placed(value / top) }
}

/** From 1 on, in powers of ten: what is below stands at the bottom. */
function logScale(values: readonly number[]): Scale {
  const most = values.reduce((max, value) => Math.max(max, value), 10)
  const decades = Math.ceil(Math.log10(most))
  const ticks = Array.from({ length: decades + 1 }, (_, index) => 10 ** index)
  return { ticks, place: (value) => placed(Math.log10(Math.max(1, value)) / decades) }
}

function placed(share: number): number {
  return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 0.25)))
  return [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((step) => step >= rough) ?? 10 * power
}

function yTick(value: number, y: number): Markup {
  return markup`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}"/>
    <text class="tick" x="${LEFT - 8}" y="${(y + 4).toFixed(1)}" text-anchor="end">${value.toLocaleString('en-US')}</text>`
}

function xTicks(lengthMs: number, height: number): Markup[] {
  const x = xScale(lengthMs)
  const step = niceStep(lengthMs / 1_000 / 8)
  const count = Math.floor(lengthMs / 1_000 / step) + 1
  return Array.from({ length: count }, (_, index) => {
    const seconds = Number((index * step).toFixed(3))
    return markup`<text class="tick" x="${x(seconds * 1_000).toFixed(1)}" y="${height - 8}" text-anchor="middle">${seconds} s</text>`
  })
}

function markOf({ atMs, tookMs = 0, kind, title }: Mark, x: (atMs: number) => number, height: number): Markup {
  const at = x(atMs).toFixed(1)
  const width = (x(atMs + tookMs) - x(atMs)).toFixed(1)
  const band = markup`<rect class="band" x="${at}" y="${TOP - 6}" width="${width}" height="${height - BOTTOM - TOP + 6}"/>`
  return markup`<g><title>${title}</title>${tookMs > 0 ? band : markup``}<line class="mark" x1="${at}" x2="${at}" y1="${TOP - 6}" y2="${height - BOTTOM}"/>
    ${glyphOf(kind, x(atMs), TOP - 13)}</g>`
}

function pathOf(
  line: Line,
  times: readonly number[],
  x: (atMs: number) => number,
  y: (value: number) => number,
): Markup {
  const points = line.values.map((value, index) => (value === null ? null : ([x(times[index]!), y(value)] as const)))
  const drawn = points.reduce(
    (path, point, index) =>
      point === null ? path : `${path}${points[index - 1] ? 'L' : 'M'}${point[0].toFixed(1)} ${point[1].toFixed(1)}`,
    '',
  )
  const [first, last] = [points.find((point) => point !== null), points.findLast((point) => point !== null)]
  const isClosed = line.isFilled === true && first && last
  const base = HEIGHT - BOTTOM
  const area = isClosed
    ? markup`<path class="area ${line.colour}" d="${drawn}L${last[0].toFixed(1)} ${base}L${first[0].toFixed(1)} ${base}Z"/>`
    : markup``
  return markup`${area}<path class="line ${line.colour}" d="${drawn}"/>`
}

function hoverOf({ lines, times }: ChartOptions, index: number, from: number, to: number): Markup {
  const told = lines.flatMap(({ name, values }) => {
    const value = values[index]
    return value === null || value === undefined ? [] : [`${name} ${Number(value.toFixed(1)).toLocaleString('en-US')}`]
  })
  const tip = `${(times[index]! / 1_000).toFixed(1)} s: ${told.join(', ') || 'nothing'}`
  const width = Math.max(1, to - from).toFixed(1)
  return markup`<rect class="hover" x="${from.toFixed(1)}" y="${TOP}" width="${width}" height="${HEIGHT - TOP - BOTTOM}"><title>${tip}</title></rect>`
}
