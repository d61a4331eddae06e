import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Message, WorkerEvent } from '../../worker/contracts.ts'
import { createLog, type LogOptions, logObserver } from '../../worker/log.ts'

type Line = Record<string, any>

function capture(options: Partial<LogOptions> = {}) {
  const raw: string[] = []
  const log = createLog({ level: 'info', to: { write: (line) => void raw.push(line) }, ...options })
  return { log, raw, lines: () => raw.map((line) => JSON.parse(line) as Line) }
}

const MESSAGE: Message = {
  id: 'm1',
  idDerived: false,
  type: 'a',
  body: new Uint8Array(),
  headers: {},
  attempt: 2,
  redelivered: false,
}

test('a line is JSON with the level and the time as text, and the fields of the log', () => {
  const { log, lines } = capture({ fields: { queue: 'orders' } })
  log.info({ a: 1 }, 'hello')
  const [line] = lines()
  assert.match(line!['time'], /^\d{4}-\d\d-\d\dT.*Z$/)
  assert.deepEqual({ ...line, time: '' }, { level: 'info', time: '', queue: 'orders', a: 1, msg: 'hello' })
})

test('passwords of URLs and given secrets are hidden in fields, messages, errors, causes and stacks', () => {
  const { log, raw } = capture({ secrets: ['tr"icky', 'hunter22'] })
  const cause = new Error('tr"icky inside')
  log.error(
    { err: new Error('lost amqp://u:hunter22@h/', { cause }), deep: { url: 'amqp://u:other@h' } },
    'hunter22 leaks',
  )
  const [line] = raw
  for (const secret of ['hunter22', 'tr"icky', 'tr\\"icky', 'other']) assert.ok(!line!.includes(secret), line)
  const parsed = JSON.parse(line!)
  assert.equal(parsed.deep.url, 'amqp://u:***@h')
  assert.equal(parsed.err.cause.message, '*** inside')
})

test('fields that are called like secrets are hidden', () => {
  const { log, lines } = capture()
  log.info({ password: 'x', user: { token: 'y', name: 'z' } }, '')
  assert.equal(lines()[0]!['password'], '***')
  assert.deepEqual(lines()[0]!['user'], { token: '***', name: 'z' })
})

test('text that would begin a line of its own stays inside its line', () => {
  const { log, raw } = capture()
  log.info({ id: 'a\n{"level":"error"}\r\n' }, 'x\ny')
  assert.equal(raw.length, 1)
  assert.equal(raw[0]!.trimEnd().split(/[\r\n]/).length, 1)
})

test('a huge line is cut to a small one that is still JSON', () => {
  const { log, raw, lines } = capture()
  log.info({ text: 'x'.repeat(1_000_000) }, 'y'.repeat(1_000_000))
  assert.ok(raw[0]!.length < 3_000)
  assert.equal(lines()[0]!['level'], 'info')
  assert.match(lines()[0]!['cut'], /the line had 2000\d+ characters/)
})

test('a hostile error does not break the log', () => {
  const { log, lines } = capture()
  const hostile = new Error('x')
  Object.defineProperty(hostile, 'message', {
    get() {
      throw new Error('gotcha')
    },
  })
  Object.defineProperty(hostile, 'code', {
    get() {
      throw new Error('gotcha')
    },
  })
  log.error({ err: hostile }, 'still here')
  assert.equal(lines()[0]!['msg'], 'still here')
})

test('jobs leave no line at info, except dead letters, which warn', () => {
  const { log, lines } = capture()
  const observer = logObserver(log)
  observer.started(MESSAGE, 'a', 5)
  observer.settled(MESSAGE, 'a', { kind: 'ack' }, 1, true)
  observer.settled(MESSAGE, 'a', { kind: 'retry', delayMs: 1, reason: 'error', counted: true }, 1, true)
  observer.settled(MESSAGE, 'a', { kind: 'dead', reason: 'permanent', error: 'no' }, 1, false)
  observer.event({ name: 'deferred', message: MESSAGE, type: 'a' })
  assert.deepEqual(lines(), [])
  observer.settled(MESSAGE, 'a', { kind: 'dead', reason: 'permanent', error: 'no' }, 1, true)
  const [line, ...others] = lines()
  assert.deepEqual(others, [])
  const { level, id, type, attempt, reason, error } = line!
  assert.deepEqual([level, id, type, attempt, reason, error], ['warn', 'm1', 'a', 2, 'permanent', 'no'])
})

test('at debug every job is told', () => {
  const { log, lines } = capture({ level: 'debug' })
  const observer = logObserver(log)
  observer.started(MESSAGE, 'a', 5)
  observer.settled(MESSAGE, 'a', { kind: 'ack' }, 1, true)
  assert.deepEqual(
    lines().map(({ msg }) => msg),
    ['job started', 'job settled'],
  )
})

const EVENTS: readonly (readonly [event: WorkerEvent, level: string, words: RegExp])[] = [
  [{ name: 'state', from: 'starting', to: 'running' }, 'info', /worker running/],
  [{ name: 'connection', role: 'consume', status: 'connected', peer: 'h:5672' }, 'info', /connected/],
  [{ name: 'connection', role: 'consume', status: 'lost', error: new Error('x'), retryInMs: 5 }, 'warn', /lost/],
  [{ name: 'connection', role: 'publish', status: 'failed' }, 'warn', /can't connect/],
  [{ name: 'consumer-lost', reason: 'cancelled' }, 'warn', /consumer away/],
  [{ name: 'offsets-missing', topic: 'q', partitions: 4, to: 'earliest' }, 'info', /the earliest job/],
  [{ name: 'offsets-missing', topic: 'q', partitions: 4, to: 'latest' }, 'info', /what they hold is skipped/],
  [{ name: 'topology-fault', faults: [] }, 'error', /tidemill topology apply/],
  [{ name: 'blocked', blocked: true, reason: 'memory' }, 'warn', /blocks publishers/],
  [{ name: 'blocked', blocked: false }, 'info', /again/],
  [{ name: 'held', held: true, jobs: 2 }, 'warn', /held/],
  [{ name: 'held', held: false, jobs: 0 }, 'info', /again/],
  [{ name: 'late-settlement', message: MESSAGE }, 'warn', /comes again/],
  [{ name: 'suspect', action: 'moved', message: MESSAGE, crashes: 1 }, 'warn', /suspect/],
  [{ name: 'suspect', action: 'running', message: MESSAGE, crashes: 1 }, 'info', /alone/],
  [{ name: 'suspect', action: 'condemned', message: MESSAGE, crashes: 3 }, 'warn', /too often/],
  [{ name: 'dead', message: MESSAGE, reason: 'crash-loop' }, 'warn', /dead-lettered/],
  [{ name: 'stuck', message: MESSAGE, type: 'a', stuck: 1 }, 'error', /ignores its abort/],
  [{ name: 'unstuck', message: MESSAGE, type: 'a', stuck: 0 }, 'info', /after all/],
  [{ name: 'drain', phase: 'begun', inFlight: 1, abandoned: 0, elapsedMs: 0 }, 'info', /draining/],
  [{ name: 'drain', phase: 'aborting', inFlight: 1, abandoned: 0, elapsedMs: 0 }, 'warn', /aborting/],
  [{ name: 'drain', phase: 'finished', inFlight: 0, abandoned: 0, elapsedMs: 9 }, 'info', /drained/],
  [{ name: 'drain', phase: 'finished', inFlight: 0, abandoned: 1, elapsedMs: 9 }, 'warn', /unfinished/],
]

for (const [event, level, words] of EVENTS) {
  test(`the event ${event.name} is one line at ${level} that matches ${words}`, () => {
    const { log, lines } = capture()
    logObserver(log).event(event)
    assert.equal(lines().length, 1)
    assert.equal(lines()[0]!['level'], level)
    assert.match(lines()[0]!['msg'], words)
  })
}

test('an id of any length takes a bounded part of its line', () => {
  const { log, raw } = capture()
  logObserver(log).event({ name: 'dead', message: { ...MESSAGE, id: 'x'.repeat(100_000) }, reason: 'crash-loop' })
  assert.ok(raw[0]!.length < 1_000)
})
