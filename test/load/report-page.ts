import { redactUrls } from '../../worker/redact.ts'
import { VERSION } from '../../worker/version.ts'
import { readEvents } from './events.ts'
import { readLedger } from './ledger.ts'
import { figure } from './live-view.ts'
import type { LoadReport } from './load-report.ts'
import type { LoadRequest } from './load-request.ts'
import { glyphOf, lineChart, type Mark, Markup, markup, timeline } from './report-charts.ts'
import { type RunSeries, type StrikeRow, seriesOf } from './report-series.ts'
import { STYLE } from './report-style.ts'
import { STRIKES, type Strike } from './strikes.ts'

/** What the report says of how the run was asked for. */
export type Asked = Pick<LoadRequest, 'worker' | 'trace' | 'rate' | 'jobs' | 'workers' | 'seed'>

/** The report of a load: one HTML file that needs nothing else, made from the ledger. */
export async function renderReport(report: LoadReport, asked: Asked): Promise<string> {
  const series = seriesOf(await readLedger(report.ledger), await readEvents(report.ledger))
  const title = `tidemill load: ${verdictOf(report)}`
  const page = markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${new Markup(STYLE)}</style></head>
<body><main>
<h1>tidemill load</h1>
<p>${describe(report, asked)}</p>
<div class="verdict ${report.ok ? 'good' : 'bad'}">${report.ok ? '✓' : '✗'} ${verdictOf(report)}</div>
${report.faults.length === 0 ? markup`` : markup`<ul>${report.faults.map((fault) => markup`<li>${fault}</li>`)}</ul>`}
${tiles(report)}
<h2>The run</h2>
${charts(series)}
<h2>Strikes</h2>
${strikeTable(series.strikes)}
<h2>Workers</h2>
${workerTable(series)}
<h2>Count it yourself</h2>
<p>Every figure above is counted from the ledger <code>${report.ledger}</code>: one line a job in <code>enqueued.ndjson</code> when the broker
had confirmed it, in <code>started.ndjson</code> and <code>done.ndjson</code> by the code around the handler before the job was settled, in
<code>dead.ndjson</code> from the dead-letter queue; strikes and workers in <code>events.ndjson</code>.</p>
<p>tidemill ${VERSION}</p>
</main></body></html>
`
  return page.text
}

function verdictOf({ ok, lost, enqueued, faults }: LoadReport): string {
  if (ok) return `none of ${figure(enqueued)} jobs was lost`
  return lost > 0
    ? `${figure(lost)} of ${figure(enqueued)} jobs were lost`
    : `${faults.length} expectations were not met`
}

function describe({ broker }: LoadReport, { worker, trace, rate, jobs, workers, seed }: Asked): string {
  const who = {
    examples: 'the example jobs',
    file: worker.kind === 'file' ? worker.path : '',
    command: commandOf(worker),
  }
  const shape = typeof trace === 'string' ? `a ${trace} trace of ${figure(rate)} jobs a second` : 'a trace from a file'
  return `${figure(jobs)} jobs in ${shape} through ${broker}, ${workers} workers at a time (${who[worker.kind]}), seed ${seed}.`
}

function commandOf(worker: Asked['worker']): string {
  return worker.kind === 'command' ? redactUrls(worker.words.join(' ')) : ''
}

function tiles(report: LoadReport): Markup {
  const { waitMs } = report
  const ms = (value: number | null) => (value === null ? '–' : duration(value))
  const rows: readonly (readonly [label: string, value: string, tone?: string])[] = [
    ['enqueued', figure(report.enqueued)],
    ['done', figure(report.done)],
    ['lost', figure(report.lost), report.lost > 0 ? 'bad' : 'good'],
    ['done twice or more', figure(report.duplicated)],
    ['dead-lettered', figure(report.dead)],
    ['out of order', figure(report.orderViolations)],
    ['waited, median', ms(waitMs.p50)],
    ['95 % waited at most', ms(waitMs.p95)],
    ['99 % waited at most', ms(waitMs.p99)],
    ['longest wait', ms(waitMs.max)],
  ]
  return markup`<div class="tiles">${rows.map(([label, value, tone = '']) => markup`<div class="tile"><b class="${tone}">${value}</b><span>${label}</span></div>`)}</div>`
}

function duration(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`
}

function charts(series: RunSeries): Markup {
  const { lengthMs, slices, strikes, lives } = series
  const times = slices.map(({ atMs }) => atMs)
  const marks: Mark[] = strikes
    .filter(({ hit }) => hit > 0)
    .map((row) => ({
      atMs: row.atMs,
      tookMs: row.tookMs,
      kind: row.strike,
      title: `${(row.atMs / 1_000).toFixed(1)} s: ${sentenceOf(row)}`,
    }))
  const common = { lengthMs, times, marks }
  const drawn = [
    lineChart({
      ...common,
      title: 'Throughput',
      unit: 'jobs a second',
      lines: [
        { name: 'enqueued', colour: 'blue', values: slices.map(({ enqueuedPerSecond }) => enqueuedPerSecond) },
        { name: 'done', colour: 'aqua', values: slices.map(({ donePerSecond }) => donePerSecond) },
      ],
    }),
    lineChart({
      ...common,
      title: 'Open jobs',
      unit: 'enqueued and not done',
      lines: [{ name: 'open', colour: 'blue', values: slices.map(({ open }) => open), isFilled: true }],
    }),
    lineChart({
      ...common,
      title: 'Waiting time',
      unit: 'ms from confirm to begin, by when the job was enqueued; logarithmic',
      isLogarithmic: true,
      lines: [
        { name: 'longest', colour: 'grey', values: slices.map(({ waits }) => waits.max) },
        { name: '95 % at most', colour: 'amber', values: slices.map(({ waits }) => waits.p95) },
        { name: 'median', colour: 'blue', values: slices.map(({ waits }) => waits.p50) },
      ],
    }),
    timeline(
      'Workers',
      lengthMs,
      lives.map(({ worker, pid, fromMs, toMs, done, end }) => ({
        label: worker,
        fromMs,
        toMs,
        title: `${worker}, pid ${pid}: ${figure(done)} jobs done, ${end}`,
        end: strikes.find((row) => row.worker === worker && row.hit > 0)?.strike ?? '',
      })),
      marks.filter(({ kind }) => kind === 'restart' || kind === 'cut'),
    ),
  ]
  return markup`${signs(strikes)}${drawn}`
}

/** What the signs mean, of those that are there. */
function signs(strikes: readonly StrikeRow[]): Markup {
  const kinds = STRIKES.filter((kind) => strikes.some(({ strike, hit }) => strike === kind && hit > 0))
  return markup`<div class="signs">${kinds.map((kind) => markup`<span><svg viewBox="-8 -8 16 16">${glyphOf(kind, 0, 0)}</svg>${NAMES[kind]}</span>`)}</div>`
}

const NAMES: Readonly<Record<Strike, string>> = {
  kill: 'SIGKILL to a worker',
  term: 'SIGTERM to a worker',
  restart: 'restart of the broker',
  cut: "the workers' connections cut",
}

function sentenceOf({ strike, worker, hit, outcome }: StrikeRow): string {
  const whom = worker === undefined ? '' : `, ${worker}`
  return `${NAMES[strike]}${whom}, ${hit} in flight${outcome === '' ? '' : `: ${outcome}`}`
}

function strikeTable(strikes: readonly StrikeRow[]): Markup {
  if (strikes.length === 0) return markup`<p>None was asked for: this run shows throughput, not safety.</p>`
  const rows = strikes.map(
    (
      row,
    ) => markup`<tr><td class="number">${(row.atMs / 1_000).toFixed(1)} s</td><td>${NAMES[row.strike]}</td><td>${row.worker ?? 'all'}</td>
      <td class="number">${row.hit}</td><td>${row.outcome}</td></tr>`,
  )
  return markup`<div class="card"><table><tr><th class="number">at</th><th>strike</th><th>worker</th><th class="number">in flight</th><th>what became of these jobs</th></tr>${rows}</table></div>`
}

function workerTable({ lives }: RunSeries): Markup {
  const rows = lives.map(
    ({ worker, pid, fromMs, toMs, done, end }) => markup`<tr><td>${worker}</td><td class="number">${pid}</td>
      <td class="number">${(fromMs / 1_000).toFixed(1)} s</td><td class="number">${(toMs / 1_000).toFixed(1)} s</td><td class="number">${figure(done)}</td><td>${end}</td></tr>`,
  )
  return markup`<div class="card"><table><tr><th>worker</th><th class="number">pid</th><th class="number">from</th><th class="number">to</th><th class="number">jobs done</th><th>end</th></tr>${rows}</table></div>`
}
