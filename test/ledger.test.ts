import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { LedgerWriter, readLedger } from './load/ledger.ts'

const MODULE = JSON.stringify(join(import.meta.dirname, 'load', 'ledger.ts'))

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'ledger-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test('what was written is read back in order, with who wrote it and when', async (t) => {
  const folder = folderFor(t)
  const before = Date.now()
  const writer = new LedgerWriter(folder)
  writer.write('enqueued', 'a')
  writer.write('enqueued', 'a "quoted"\nid, ü')
  writer.write('started', 'a')
  writer.close()
  const { enqueued, started, done } = await readLedger(folder)
  assert.deepEqual(
    enqueued.map(({ id }) => id),
    ['a', 'a "quoted"\nid, ü'],
  )
  assert.deepEqual([started.length, done.length], [1, 0])
  assert.ok(enqueued.every(({ pid, t }) => pid === process.pid && t >= before && t <= Date.now()))
})

test('a ledger that is not there is empty', async (t) => {
  assert.deepEqual(await readLedger(join(folderFor(t), 'none')), {
    enqueued: [],
    unconfirmed: [],
    started: [],
    done: [],
    failed: [],
    dead: [],
  })
})

test('several processes write at once without spoiling a line, and a SIGKILL loses none that was written', async (t) => {
  const folder = folderFor(t)
  const program = `
    import { LedgerWriter } from ${MODULE}
    const writer = new LedgerWriter(${JSON.stringify(folder)})
    for (let i = 0; i < 500; i++) writer.write('done', process.pid + '-' + i)
    process.kill(process.pid, 'SIGKILL')`
  const children = Array.from({ length: 3 }, () =>
    spawn(process.execPath, ['--input-type=module-typescript', '-e', program], { stdio: 'ignore' }),
  )
  const exits = await Promise.all(children.map((child) => once(child, 'exit')))
  assert.deepEqual(
    exits.map(([, signal]) => signal),
    ['SIGKILL', 'SIGKILL', 'SIGKILL'],
  )
  const { done } = await readLedger(folder)
  const expected = children.flatMap(({ pid }) => Array.from({ length: 500 }, (_, i) => `${pid}-${i}`))
  assert.deepEqual(done.map(({ id }) => id).sort(), expected.sort())
})

test('a line that is no entry is named with its file and number', async (t) => {
  const faulty = (page: string, text: string) => {
    const folder = folderFor(t)
    const writer = new LedgerWriter(folder)
    writer.write('done', 'a')
    writer.close()
    appendFileSync(join(folder, `${page}.ndjson`), text)
    return readLedger(folder)
  }
  await assert.rejects(faulty('done', '{"id":7}\n'), /done\.ndjson:2: expected/)
  await assert.rejects(faulty('started', '{"id":"a","pi'), /started\.ndjson: the last line has no end/)
})

test('of a ledger that is still written, a line that is there in part is left out, and no other', async (t) => {
  const folder = folderFor(t)
  const writer = new LedgerWriter(folder)
  writer.write('done', 'a')
  appendFileSync(join(folder, 'done.ndjson'), '{"id":"b","pi')
  const { done } = await readLedger(folder, { isOpen: true })
  assert.deepEqual(
    done.map(({ id }) => id),
    ['a'],
  )
  appendFileSync(join(folder, 'done.ndjson'), '\n')
  await assert.rejects(readLedger(folder, { isOpen: true }), /done\.ndjson:2: expected/)
  writer.close()
})
