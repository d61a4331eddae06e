import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { type LoadFrame, LoadView, lineOf, pictureOf } from './load/load-view.ts'

const FRAME: LoadFrame = {
  title: 'tidemill load on RabbitMQ 3.10.8',
  total: 5_000,
  enqueued: 2_500,
  done: 1_250,
  inFlight: 21,
  backlog: { ready: 1_200, suspects: 2, waiting: 3, dead: 1 },
  waits: { p50: 1, p95: 20, p99: 30, max: 1_500 },
  strikes: { asked: { kill: 3, term: 0, restart: 0, cut: 1 }, hit: { kill: 1, term: 0, restart: 0, cut: 0 }, voids: 2 },
  workers: [
    { name: 'worker-1', pid: 4711, isLeaving: true, inFlight: 1 },
    { name: 'worker-3', pid: 4713, isLeaving: false, inFlight: 10 },
    { name: 'worker-4', pid: 4714, isLeaving: false, inFlight: 0 },
  ],
}
const MOMENT = { elapsedMs: 12_345, perSecond: 98.6, said: [' 12.0 s  SIGKILL to worker-2'] }

test('the picture says where jobs, strikes and workers stand, and what happened last', () => {
  const picture = pictureOf(FRAME, MOMENT).map((line) => stripVTControlCharacters(line).trimEnd())
  assert.deepEqual(picture, [
    'tidemill load on RabbitMQ 3.10.8   12.3 s',
    '',
    `  enqueued  ${'█'.repeat(16)}${'░'.repeat(16)}  2,500 of 5,000`,
    `  done      ${'█'.repeat(8)}${'░'.repeat(24)}  1,250, 99/s`,
    '            1,200 in the backlog, 21 in flight, 2 suspects, 3 waiting for a retry, 1 dead-lettered',
    '  waiting   p50 1 ms, p95 20 ms, at most 1,500 ms',
    '  strikes   SIGKILL 1 of 3, cut 0 of 1 (2 void)',
    '',
    '  worker-1    pid 4711     draining, 1 job to finish',
    '  worker-3    pid 4713     working on 10 jobs',
    '  worker-4    pid 4714     nothing in hand',
    '',
    ' 12.0 s  SIGKILL to worker-2',
  ])
})

test('before anything is known, it says so', () => {
  const waits = { p50: null, p95: null, p99: null, max: null }
  const strikes = { ...FRAME.strikes, asked: FRAME.strikes.hit, voids: 0 }
  const empty: LoadFrame = {
    ...FRAME,
    waits,
    strikes: { ...strikes, asked: { kill: 0, term: 0, restart: 0, cut: 0 } },
    backlog: undefined,
    total: 0,
  }
  const text = pictureOf(empty, MOMENT).join('\n')
  assert.match(text, /waiting {3}nothing begun yet/)
  assert.match(text, /strikes {3}none/)
  assert.match(text, /^ {12}21 in flight$/m)
})

test('a log gets the same in one line', () => {
  assert.equal(
    lineOf(FRAME, MOMENT),
    ' 12.3 s  2,500/5,000 enqueued, 1,250 done, 99/s, 1,200 in the backlog, 21 in flight, 2 suspects, 3 waiting for a retry, ' +
      '1 dead-lettered | waiting p50 1 ms, p95 20 ms, at most 1,500 ms | 3 workers',
  )
})

test('on a terminal the last four sentences stay in the picture', () => {
  const written: string[] = []
  const out = { isTTY: true, columns: 200, write: (text: string) => written.push(text) } as never
  const view = new LoadView(out, () => FRAME)
  for (const sentence of ['one', 'two', 'three', 'four', 'five']) view.say(sentence)
  view.end()
  const last = stripVTControlCharacters(written.at(-1)!)
  assert.deepEqual(
    ['one', 'two', 'three', 'four', 'five'].map((word) => last.includes(`s  ${word}`)),
    [false, true, true, true, true],
  )
})
