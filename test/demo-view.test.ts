import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { DemoView, type Frame, lineOf, pictureOf } from './load/demo-view.ts'

const FRAME: Frame = {
  title: 'tidemill demo on RabbitMQ 3.10.8',
  elapsedMs: 12_345,
  lanes: [
    { label: 'orders', total: 2_000, done: 500, inFlight: 16, backlog: { ready: 1_480, waiting: 3, dead: 1 } },
    { label: 'images', total: 0, done: 0, inFlight: 0, backlog: undefined },
  ],
  rates: [212.4, 0],
  workers: [
    { name: 'orders-1', pid: 4711, state: 'draining', inFlight: 1 },
    { name: 'orders-2', pid: 4712, state: 'working', inFlight: 8 },
    { name: 'orders-3', pid: 4713, state: 'starting', inFlight: 0 },
    { name: 'images-1', pid: undefined, state: 'ended', inFlight: 0 },
  ],
  now: 'SIGTERM to orders-1',
}

test('the picture says per queue and per worker where things stand', () => {
  const picture = pictureOf(FRAME).map((line) => stripVTControlCharacters(line).trimEnd())
  assert.deepEqual(picture, [
    'tidemill demo on RabbitMQ 3.10.8   12.3 s',
    '',
    `  orders  ${'█'.repeat(8)}${'░'.repeat(24)}  500 of 2,000 done, 212/s`,
    '          1,480 in the backlog, 16 in flight, 3 waiting for a retry, 1 dead-lettered',
    `  images  ${'█'.repeat(32)}  0 of 0 done, 0.0/s`,
    '          0 in flight',
    '',
    '  orders-1  pid 4711     draining, 1 job to finish',
    '  orders-2  pid 4712     working on 8 jobs',
    '  orders-3  pid 4713     starting',
    '  images-1  ended, nothing left in hand',
    '',
    '  SIGTERM to orders-1',
  ])
})

test('a log gets the same in one line', () => {
  assert.equal(
    lineOf(FRAME),
    ' 12.3 s  orders: 500/2,000 done, 212/s, 1,480 in the backlog, 16 in flight, 3 waiting for a retry, 1 dead-lettered' +
      ' | images: 0/0 done, 0.0/s, 0 in flight | 3 workers',
  )
})

function screen(isTTY: boolean, columns = 40) {
  const written: string[] = []
  const out = { isTTY, columns, write: (text: string) => written.push(text) } as never
  return { written, view: new DemoView(out, () => FRAME) }
}

test('on a terminal each picture is drawn over the one before, no line wider than the terminal', () => {
  const { written, view } = screen(true)
  view.say('first')
  view.end()
  assert.equal(written.length, 2)
  assert.ok(written[1]!.startsWith('\x1b[13A'), 'expected the cursor to go up by the 13 lines of the picture')
  for (const line of stripVTControlCharacters(written[1]!).split('\n')) assert.ok(line.length <= 41, line)
})

test('elsewhere every sentence and every moment is a line of its own, without control characters', () => {
  const { written, view } = screen(false)
  view.say('first')
  view.end()
  assert.match(written[0]!, /^ {2}0\.0 s {2}first\n$/)
  assert.equal(written.length, 2)
  for (const text of written) assert.equal(stripVTControlCharacters(text), text)
})
