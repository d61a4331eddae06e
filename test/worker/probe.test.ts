import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Message, WorkerState } from '../../worker/contracts.ts'
import { type Health, liveness, ProbeBoard, readiness, remarks, TICK_MS } from '../../worker/probe.ts'

const LIMITS = { eventLoopStallMs: 1_000, stuckLimit: 2 }
const MESSAGE: Message = {
  id: '1',
  idDerived: false,
  type: 'a',
  body: new Uint8Array(),
  headers: {},
  attempt: 1,
  redelivered: false,
}

function setup() {
  const clock = { now: 50_000 }
  const board = new ProbeBoard(() => clock.now)
  board.tick()
  return { clock, board, health: () => board.read() }
}

test('the board says in another thread what happened in this one', () => {
  const { clock, board } = setup()
  const other = new ProbeBoard(() => clock.now, board.buffer)
  board.event({ name: 'state', from: 'starting', to: 'running' })
  board.event({ name: 'connection', role: 'consume', status: 'connected' })
  board.event({ name: 'blocked', blocked: true })
  board.event({ name: 'held', held: true, jobs: 3 })
  board.event({ name: 'stuck', message: MESSAGE, type: 'a', stuck: 1 })
  board.started()
  board.started()
  board.settled()
  const expected: Health = {
    state: 'running',
    inFlight: 1,
    stuck: 1,
    held: 3,
    blocked: true,
    connection: { consume: true, publish: false },
    stalledMs: 0,
  }
  assert.deepEqual(other.read(), expected)
  assert.equal(other.everRunning, true)
})

test('what was held, blocked, stuck or connected is taken back', () => {
  const { board, health } = setup()
  const before = health()
  board.event({ name: 'held', held: true, jobs: 3 })
  board.event({ name: 'held', held: false, jobs: 3 })
  board.event({ name: 'blocked', blocked: true })
  board.event({ name: 'blocked', blocked: false })
  board.event({ name: 'stuck', message: MESSAGE, type: 'a', stuck: 1 })
  board.event({ name: 'unstuck', message: MESSAGE, type: 'a', stuck: 0 })
  board.event({ name: 'connection', role: 'publish', status: 'connected' })
  board.event({ name: 'connection', role: 'publish', status: 'lost' })
  assert.deepEqual(health(), before)
})

test('it is live until the event loop has stalled longer than allowed, and again when it goes on', () => {
  const { clock, board, health } = setup()
  clock.now += TICK_MS + LIMITS.eventLoopStallMs
  assert.equal(liveness(health(), LIMITS).ok, true)
  clock.now += 1
  assert.match(liveness(health(), LIMITS).reasons.join(), /blocked for 1001 ms/)
  board.tick()
  assert.equal(liveness(health(), LIMITS).ok, true)
})

test('it is not live when it failed, or when too many handlers are stuck', () => {
  const { board, health } = setup()
  board.event({ name: 'stuck', message: MESSAGE, type: 'a', stuck: 1 })
  assert.equal(liveness(health(), LIMITS).ok, true)
  board.event({ name: 'stuck', message: MESSAGE, type: 'a', stuck: 2 })
  assert.match(liveness(health(), LIMITS).reasons.join(), /2 handlers/)
  board.state = 'failed'
  assert.equal(liveness(health(), LIMITS).reasons.length, 2)
})

test('no trouble with the broker makes it not live or not ready; it is remarked', () => {
  const { board, health } = setup()
  board.state = 'running'
  board.event({ name: 'connection', role: 'consume', status: 'lost' })
  board.event({ name: 'blocked', blocked: true })
  board.event({ name: 'held', held: true, jobs: 2 })
  assert.equal(liveness(health(), LIMITS).ok, true)
  assert.equal(readiness(health()).ok, true)
  assert.equal(remarks(health()).length, 3)
})

for (const state of ['starting', 'running', 'draining', 'stopped', 'failed'] as const satisfies WorkerState[]) {
  test(`a worker that is ${state} is ${state === 'running' ? '' : 'not '}ready, however busy`, () => {
    const { board, health } = setup()
    for (let job = 0; job < 1_000; job++) board.started()
    board.state = state
    assert.equal(readiness(health()).ok, state === 'running')
    assert.equal(board.everRunning, state === 'running')
  })
}

test('once started it stays started while it drains', () => {
  const { board } = setup()
  board.state = 'running'
  board.state = 'draining'
  assert.equal(board.everRunning, true)
})
