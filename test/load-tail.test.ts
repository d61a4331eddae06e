import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { LedgerWriter } from './load/ledger.ts'
import { LedgerTail } from './load/tail.ts'

const [ONE, OTHER] = [101, 102]

function open(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'tail-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const begun: string[] = []
  const tail = new LedgerTail(folder, ({ id }) => begun.push(id))
  t.after(() => tail.close())
  const writers = [ONE, OTHER].map((pid) => new LedgerWriter(folder, pid))
  t.after(() => {
    for (const writer of writers) writer.close()
  })
  const inHand = (pid: number) => [...tail.inHandOf(pid)].sort()
  return { folder, tail, begun, inHand, one: writers[0]!, other: writers[1]! }
}

test('a job is in the hand of the process that began it, until it is done or has failed', async (t) => {
  const { tail, begun, inHand, one, other } = open(t)
  for (const id of ['a', 'b', 'ü']) one.write('started', id)
  other.write('started', 'c')
  await tail.read()
  assert.deepEqual([inHand(ONE), inHand(OTHER), tail.done], [['a', 'b', 'ü'], ['c'], 0])
  one.write('done', 'ü')
  one.write('failed', 'a')
  await Promise.all([tail.read(), tail.read()])
  assert.deepEqual([inHand(ONE), tail.done, tail.lines], [['b'], 1, 6])
  assert.ok(tail.isDone('ü') && !tail.isDone('a'))
  assert.deepEqual(begun, ['a', 'b', 'ü', 'c'])
})

test('a job that another process begins has changed hands, whatever the first one still does', async (t) => {
  const { tail, inHand, one, other } = open(t)
  one.write('started', 'a')
  other.write('started', 'a')
  one.write('failed', 'a')
  await tail.read()
  assert.deepEqual([inHand(ONE), inHand(OTHER)], [[], ['a']])
  one.write('done', 'a')
  await tail.read()
  assert.deepEqual([tail.isDone('a'), inHand(OTHER)], [true, ['a']])
})

test('a job is done once, however often', async (t) => {
  const { tail, one, other } = open(t)
  for (const writer of [one, other]) {
    writer.write('started', 'a')
    writer.write('done', 'a')
  }
  await tail.read()
  assert.equal(tail.done, 1)
})

test('jobs are counted by what their ids begin with', async (t) => {
  const { tail, one } = open(t)
  for (const id of ['order-1', 'order-2', 'image-1']) one.write('started', id)
  one.write('done', 'order-1')
  await tail.read()
  assert.deepEqual(
    ['order-', 'image-', 'x'].map((prefix) => [tail.doneOf(prefix), tail.inHandOfAny(prefix)]),
    [
      [1, 1],
      [0, 1],
      [0, 0],
    ],
  )
})

test('a ledger that is not there yet is empty', async (t) => {
  const { tail } = open(t)
  await tail.read()
  assert.deepEqual([tail.done, tail.lines, tail.inHandOf(ONE).size], [0, 0, 0])
})

test('half a line is left for the next time, also where it ends within a character', async (t) => {
  const { tail, folder, one, inHand } = open(t)
  one.write('started', 'a')
  const line = Buffer.from(`{"id":"ü","pid":${ONE},"t":1}\n`)
  appendFileSync(join(folder, 'started.ndjson'), line.subarray(0, 8))
  await tail.read()
  assert.deepEqual(inHand(ONE), ['a'])
  appendFileSync(join(folder, 'started.ndjson'), line.subarray(8))
  await tail.read()
  assert.deepEqual(inHand(ONE), ['a', 'ü'])
})

test('a line that is no entry is named with its number', async (t) => {
  const { tail, folder, one } = open(t)
  one.write('started', 'a')
  await tail.read()
  appendFileSync(join(folder, 'started.ndjson'), 'started b\n')
  await assert.rejects(tail.read(), /started\.ndjson:2: expected \{"id","pid","t"\} as JSON, got "started b"/)
})
