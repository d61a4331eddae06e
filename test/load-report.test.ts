import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { EventLog, type RunEvent } from './load/events.ts'
import { LedgerWriter, type Page, type Remarks } from './load/ledger.ts'
import { type LoadFindings, type LoadReport, recountLoad, summaryOf } from './load/load-report.ts'
import { renderReport } from './load/report-page.ts'

type Line = string | readonly [id: string, remarks: Remarks]
type Pages = Readonly<Partial<Record<Page, readonly Line[]>>>

const POISON = ['p', { planted: true }] as const
const GOOD: Pages = { enqueued: ['a', 'b', POISON], started: ['a', 'b'], done: ['a', 'b'], dead: ['p'] }
const NO_STRIKES = { kill: 0, term: 0, restart: 0, cut: 0 }

function folderOf(t: TestContext, pages: Pages, events: readonly RunEvent[] = []): string {
  const folder = mkdtempSync(join(tmpdir(), 'load-report-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const writer = new LedgerWriter(folder)
  for (const [page, lines] of Object.entries(pages)) {
    for (const line of lines) {
      const [id, remarks] = typeof line === 'string' ? [line, {}] : line
      writer.write(page as Page, id, remarks)
    }
  }
  writer.close()
  const log = new EventLog(folder)
  for (const event of events) log.write(event)
  log.close()
  return folder
}

function reportOf(ledger: string, more: Partial<LoadFindings> = {}): Promise<LoadReport> {
  return recountLoad({
    broker: 'rabbitmq',
    ledger,
    ordersByKey: true,
    strikes: NO_STRIKES,
    duplicatesLimit: Number.POSITIVE_INFINITY,
    left: 0,
    lateMs: 3,
    ...more,
  })
}

test('a run in which every job is accounted for is ok, and its figures are those of the ledger', async (t) => {
  const { waitMs, ledger, ...report } = await reportOf(folderOf(t, GOOD))
  assert.deepEqual(report, {
    ok: true,
    broker: 'rabbitmq',
    enqueued: 3,
    done: 2,
    dead: 1,
    lost: 0,
    duplicated: 0,
    orderViolations: 0,
    kills: 0,
    terms: 0,
    restarts: 0,
    cuts: 0,
    voids: 0,
    crashes: 0,
    left: 0,
    lateMs: 3,
    faults: [],
  })
  assert.ok(waitMs.max! >= 0)
  const summary = summaryOf({ ...report, waitMs, ledger })
  assert.equal(summary.at(-1), 'enqueued 3, done 2, dead 1, lost 0, duplicated 0, out of order 0')
})

const twice: Pages = { ...GOOD, done: ['a', 'b', 'b'] }
const keyed: Pages = {
  enqueued: [
    ['a', { key: 'k' }],
    ['b', { key: 'k' }],
  ],
  started: ['a', 'b'],
  done: ['b', 'a'],
}
const faulty: readonly [what: string, pages: Pages, more: Partial<LoadFindings>, fault: RegExp, lost: number][] = [
  ['a job that was never done', { ...GOOD, done: ['a'] }, {}, /^1 job \(b\) neither done nor dead-lettered$/, 1],
  [
    'an innocent dead letter',
    { ...GOOD, dead: ['p', 'b'] },
    {},
    /^1 job \(b\) dead-lettered though not made to fail$/,
    1,
  ],
  ['poison that is not dead', { ...GOOD, dead: [] }, {}, /^1 job \(p\) made to fail and not dead-lettered$/, 1],
  ['more duplicates than may be', twice, { duplicatesLimit: 0 }, /^1 job \(b\) done more than once, 0 may be$/, 0],
  ['a job that nobody enqueued', { ...GOOD, started: ['a', 'b', 'x'] }, {}, /^1 job \(x\) in the ledger without/, 0],
  ['a job done and never begun', { ...GOOD, started: ['a'] }, {}, /^1 job \(b\) in the ledger without/, 0],
  ['jobs left on the broker', GOOD, { left: 2 }, /^2 jobs still on the broker at the end$/, 0],
  ['a run that was given up', GOOD, { stalled: 'nothing moved' }, /^nothing moved$/, 0],
  ['a job out of order', keyed, {}, /^1 job \(a\) done after a later job of the same key$/, 0],
  ['a kill that hit nothing', GOOD, { strikes: { ...NO_STRIKES, kill: 1 } }, /^kills: asked for 1, 0 hit work/, 0],
]
for (const [what, pages, more, fault, lost] of faulty) {
  test(`a run with ${what} is not ok, and says why`, async (t) => {
    const report = await reportOf(folderOf(t, pages), more)
    assert.deepEqual([report.ok, report.lost, report.faults.length], [false, lost, 1])
    assert.match(report.faults[0]!, fault)
    assert.ok(summaryOf(report).includes(`FAULT: ${report.faults[0]}`))
  })
}

test('duplicates are no fault without a limit, nor is an order that the broker does not promise', async (t) => {
  const report = await reportOf(folderOf(t, twice))
  assert.deepEqual([report.ok, report.duplicated], [true, 1])
  const unordered = await reportOf(folderOf(t, keyed), { ordersByKey: false })
  assert.deepEqual([unordered.ok, unordered.orderViolations], [true, 1])
})

test('a job that was never confirmed may have come or not, and counts neither as enqueued nor as done', async (t) => {
  const pages = { ...GOOD, unconfirmed: ['u', 'v'], started: ['a', 'b', 'u'], done: ['a', 'b', 'u'] }
  const { ok, enqueued, done } = await reportOf(folderOf(t, pages))
  assert.deepEqual([ok, enqueued, done], [true, 3, 2])
})

const EVENTS: readonly RunEvent[] = [
  { event: 'start', worker: 'worker-1', pid: process.pid },
  { event: 'start', worker: 'worker-2', pid: 2 },
  { event: 'strike', strike: 'kill', worker: 'worker-2', hit: 0 },
  { event: 'strike', strike: 'kill', worker: 'worker-2', hit: 3 },
  { event: 'end', worker: 'worker-2', code: null, signal: 'SIGKILL', unasked: false },
  { event: 'strike', strike: 'term', worker: 'worker-1', hit: 1 },
  { event: 'strike', strike: 'restart', hit: 4, tookMs: 5 },
  { event: 'strike', strike: 'cut', hit: 2 },
  { event: 'end', worker: 'worker-1', code: 3, signal: null, unasked: true },
]

test('strikes that hit, void ones and crashes are counted from the events; a void one is none', async (t) => {
  const strikes = { kill: 1, term: 1, restart: 1, cut: 1 }
  const { ok, kills, terms, restarts, cuts, voids, crashes } = await reportOf(folderOf(t, GOOD, EVENTS), { strikes })
  assert.deepEqual([ok, kills, terms, restarts, cuts, voids, crashes], [true, 1, 1, 1, 1, 1, 1])
})

const ASKED = { worker: { kind: 'examples' }, trace: 'steady', rate: 100, jobs: 3, workers: 2, seed: 1 } as const

test('the page is one well-formed HTML file that loads nothing and has all figures', async (t) => {
  const report = await reportOf(folderOf(t, GOOD, EVENTS))
  const page = await renderReport(report, ASKED)
  assert.match(page, /^<!doctype html>/)
  assertWellFormed(page)
  assert.doesNotMatch(page, /<(script|link|img|iframe)\b|\bsrc=|\burl\(|@import/)
  assert.match(page, /none of 3 jobs was lost/)
  assert.equal(page.split('<figure>').length - 1, 4)
  assert.match(page, /prefers-color-scheme: dark/)
  assert.match(page, /<td>worker-2<\/td>\s*<td class="number">2<\/td>/)
})

test('a page of a run in which nothing happened is well-formed as well', async (t) => {
  assertWellFormed(await renderReport(await reportOf(folderOf(t, {})), ASKED))
})

test('what a page shows of ids, commands and faults is text, never markup', async (t) => {
  const hostile = '<img src=x onerror=alert(1)>&"'
  const folder = folderOf(t, { enqueued: [hostile] }, [{ event: 'start', worker: hostile, pid: 1 }])
  const worker = { kind: 'command', words: [hostile, 'amqp://user:secret@host'] } as const
  const page = await renderReport(await reportOf(folder), { ...ASKED, worker })
  assertWellFormed(page)
  assert.doesNotMatch(page, /<img|secret/)
  assert.match(page, /&#60;img src=x onerror/)
})

const VOID_ELEMENTS = ['meta', '!doctype']

/** Every element is closed in order, every attribute quoted, and nothing is undefined. */
function assertWellFormed(page: string): void {
  const open: string[] = []
  const body = page.replace(/<style>[\s\S]*?<\/style>/, '')
  for (const [tag, slash, name, attributes, selfClosed] of body.matchAll(/<(\/?)([a-z!0-9]+)([^<>]*?)(\/?)>/gi)) {
    assert.match(attributes!, /^(\s+[a-z0-9-]+(=("[^"]*"))?)*\s*$/i, `the attributes of ${tag}`)
    if (slash === '/') assert.equal(open.pop(), name, `the end ${tag}`)
    else if (selfClosed !== '/' && !VOID_ELEMENTS.includes(name!.toLowerCase())) open.push(name!)
  }
  assert.deepEqual(open, [])
  assert.doesNotMatch(body, /NaN|undefined|Infinity|\[object/)
}
