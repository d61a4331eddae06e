import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type DemoFindings, type DemoReport, recount, summaryOf } from './load/demo-report.ts'
import { LedgerWriter, type Page } from './load/ledger.ts'

const ALL_GOOD = { enqueued: ['a', 'b', 'p'], started: ['a', 'b'], done: ['a', 'b'] }

async function folderOf(t: TestContext, pages: Readonly<Partial<Record<Page, readonly string[]>>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemill-test-report-'))
  t.after(() => rm(folder, { recursive: true }))
  const writer = new LedgerWriter(folder)
  for (const [page, ids] of Object.entries(pages)) for (const id of ids) writer.write(page as Page, id)
  writer.close()
  return folder
}

async function reportOf(t: TestContext, pages = ALL_GOOD, more: Partial<DemoFindings> = {}): Promise<DemoReport> {
  return recount({
    broker: 'rabbitmq',
    ledger: await folderOf(t, pages),
    deadIds: ['p'],
    plantedIds: ['p'],
    left: 0,
    exits: [0, 0, 0],
    sigterm: { inFlight: 3, exitCode: 0 },
    ...more,
  })
}

test('a demo in which every job is accounted for is good', async (t) => {
  const report = await reportOf(t)
  const { ok, enqueued, done, dead, lost, duplicated } = report
  assert.deepEqual(
    { ok, enqueued, done, dead, lost, duplicated },
    { ok: true, enqueued: 3, done: 2, dead: 1, lost: 0, duplicated: 0 },
  )
  assert.equal(summaryOf(report, 2).at(-1), 'enqueued 3, done 2, dead 1, lost 0, duplicated 0')
})

const bad: readonly (readonly [
  title: string,
  pages: typeof ALL_GOOD,
  more: Partial<DemoFindings>,
  expected: Partial<DemoReport>,
])[] = [
  ['a job that was never done', { ...ALL_GOOD, done: ['a'] }, {}, { lost: 1, done: 1 }],
  ['a job that was done twice', { ...ALL_GOOD, done: ['a', 'b', 'b'] }, {}, { duplicated: 1, done: 2 }],
  ['a job in the dead letters that was not planted', ALL_GOOD, { deadIds: ['p', 'b'] }, { lost: 1, dead: 2 }],
  ['poison that is not in the dead letters', ALL_GOOD, { deadIds: [] }, { lost: 1, dead: 0 }],
  ['poison that is there twice', ALL_GOOD, { deadIds: ['p', 'p'] }, { dead: 2 }],
  ['a job that is still in a queue', ALL_GOOD, { left: 1 }, { left: 1 }],
  ['a worker that did not end well', ALL_GOOD, { exits: [0, 75] }, {}],
  ['a job that nobody enqueued', { ...ALL_GOOD, started: ['a', 'b', 'c'], done: ['a', 'b', 'c'] }, {}, {}],
]
for (const [title, pages, more, expected] of bad) {
  test(`a demo with ${title} is not good`, async (t) => {
    const report = await reportOf(t, pages, more)
    assert.equal(report.ok, false)
    for (const [name, value] of Object.entries(expected)) assert.equal(report[name as keyof DemoReport], value, name)
  })
}
