import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deadCopy, retryCopy } from '../../../../worker/brokers/kafka/copy.ts'
import type { HeaderName } from '../../../../worker/brokers/kafka/header-name.ts'
import { textOf } from '../../../../worker/brokers/kafka/headers.ts'
import { KafkaMessage, type RawRecord } from '../../../../worker/brokers/kafka/message.ts'
import { groupOf, topicsOf } from '../../../../worker/brokers/kafka/names.ts'

const RULES = { typeHeader: 'tidemill-type', defaultType: undefined }
const TOPICS = topicsOf('orders', [100, 5_000])
const RETRY = { kind: 'retry', delayMs: 100, reason: 'error', error: 'try again', counted: true } as const
const DEAD = { kind: 'dead', reason: 'permanent', error: 'no such order' } as const

type Headers = Readonly<Record<string, Buffer | null | readonly (Buffer | null)[]>>

function rawOf(named: Headers = {}, more: Partial<RawRecord> = {}): RawRecord {
  const headers = Object.entries(named).flatMap(([name, values]) =>
    [values].flat().map((value) => [name, value] as [string, Buffer | null]),
  )
  const pick = (names: readonly HeaderName[]) => names.map(({ bytes }) => textOf(headers, bytes.toString()))
  return { offset: 7, key: Buffer.from('k'), value: Buffer.from('{}'), headers, pick, timestamp: 1_000, ...more }
}

function messageOf(headers: Headers = {}, more: Partial<RawRecord> = {}, rules = {}): KafkaMessage {
  return new KafkaMessage(rawOf(headers, more), 'orders', 3, { ...RULES, ...rules }, false)
}

const bytes = (text: string) => Buffer.from(text)
const shown = (list: readonly (readonly [string, Buffer | null])[]) =>
  list.map(([name, value]) => [name, value === null ? null : value.toString()])

test('a record of our producer is read as it was sent', () => {
  const message = messageOf({
    'tidemill-id': bytes('order-1'),
    'tidemill-type': bytes('order.process'),
    'content-type': bytes('application/json'),
    'tidemill-enqueued-at': bytes('900'),
    trace: bytes('abc'),
  })
  const { id, idDerived, type, key, contentType, contentEncoding, attempt, enqueuedAt, redelivered } = message
  assert.deepEqual(
    { id, idDerived, type, key, contentType, contentEncoding, attempt, enqueuedAt, redelivered },
    {
      id: 'order-1',
      idDerived: false,
      type: 'order.process',
      key: 'k',
      contentType: 'application/json',
      contentEncoding: undefined,
      attempt: 1,
      enqueuedAt: 900,
      redelivered: false,
    },
  )
  assert.equal(message.headers['trace'], 'abc')
  assert.equal(Object.getPrototypeOf(message.headers), null)
  assert.ok(Object.isFrozen(message.headers))
})

test('a foreign record has a derived id, the default type and the time of its record', () => {
  const message = messageOf({}, { key: null }, { defaultType: 'order.process' })
  assert.match(message.id, /^[\w-]{16,}$/)
  assert.deepEqual([message.idDerived, message.key, message.type], [true, undefined, 'order.process'])
  assert.equal(message.enqueuedAt, 1_000)
  assert.equal(message.id, messageOf({}, { offset: 8 }, { defaultType: 'order.process' }).id)
  assert.notEqual(message.id, messageOf({}, { value: bytes('[]') }, { defaultType: 'order.process' }).id)
  assert.equal(messageOf().type, '')
})

test('the time of a retry is not taken for that of the enqueueing', () => {
  assert.equal(messageOf({ 'tidemill-attempt': bytes('2') }).enqueuedAt, undefined)
  assert.equal(messageOf({}, { timestamp: -1 }).enqueuedAt, undefined)
})

test('a tombstone is an empty body', () => {
  assert.equal(messageOf({}, { value: null }).body.length, 0)
})

test('of a header that comes twice the last one counts, and handlers see both', () => {
  const message = messageOf({ 'tidemill-id': [bytes('first'), bytes('second')], none: null })
  assert.equal(message.id, 'second')
  assert.equal(message.headers['tidemill-id'], '["first","second"]')
  assert.equal(message.headers['none'], '')
})

test('hostile headers pollute nothing, and absurd counts are no counts', () => {
  const headers = JSON.parse('{"__proto__":0,"constructor":0,"toString":0}') as Record<string, Buffer>
  for (const name of Object.keys(headers)) headers[name] = bytes('x')
  const message = messageOf(headers)
  assert.deepEqual(Object.keys(message.headers).sort(), ['__proto__', 'constructor', 'toString'])
  assert.equal(({} as Record<string, unknown>)['x'], undefined)
  for (const [text, attempt] of [
    ['-3', 1],
    ['1e9', 1],
    ['9'.repeat(400), 1],
    ['99999999', 1_000_000],
    ['0', 1],
    ['4', 4],
  ] as const) {
    assert.equal(messageOf({ 'tidemill-attempt': bytes(text) }).attempt, attempt, text)
  }
})

test('headers that can not be read count as none', () => {
  const cutOff = () => {
    throw new RangeError('cut off')
  }
  const raw = Object.defineProperty({ ...rawOf(), pick: cutOff }, 'headers', { get: cutOff }) as RawRecord
  const message = new KafkaMessage(raw, 'orders', 3, RULES, false)
  assert.deepEqual([message.attempt, message.list], [1, []])
})

test("an id is cut between characters, at RabbitMQ's bound", () => {
  const { id } = messageOf({ 'tidemill-id': bytes('ä'.repeat(200)) })
  assert.equal(id, 'ä'.repeat(127))
})

test('a retry is the same record, byte by byte, with our headers at its end', () => {
  const invalid = Buffer.from([0xff, 0x00, 0xfe])
  const headers = {
    b: [bytes('1'), null],
    a: invalid,
    'tidemill-attempt': bytes('1'),
    'tidemill-retry-error': bytes('old'),
  }
  const message = messageOf(headers, { key: invalid, value: null })
  const copy = retryCopy(message, RETRY, TOPICS)
  assert.deepEqual([copy.topic, copy.key, copy.value], ['orders.retry.100', invalid, null])
  assert.equal(copy.headers[2]![1], invalid)
  assert.deepEqual(shown(copy.headers.toSpliced(2, 1)), [
    ['b', '1'],
    ['b', null],
    ['tidemill-attempt', '2'],
    ['tidemill-retry-reason', 'error'],
    ['tidemill-retry-error', 'try again'],
    ['tidemill-topic', 'orders'],
    ['tidemill-partition', '3'],
    ['tidemill-offset', '7'],
  ])
})

test('a retry that does not count keeps the attempt, and a retry of a retry tells of the first record', () => {
  const first = retryCopy(messageOf(), { ...RETRY, counted: false }, TOPICS)
  const headers = Object.fromEntries(first.headers)
  const again = new KafkaMessage(rawOf(headers, { offset: 55 }), 'orders.retry.100', 0, RULES, false)
  assert.equal(again.attempt, 1)
  const copy = deadCopy(again, DEAD, TOPICS, 123)
  assert.equal(copy.topic, 'orders.dead')
  assert.deepEqual(shown(copy.headers), [
    ['tidemill-retry-reason', 'error'],
    ['tidemill-retry-error', 'try again'],
    ['tidemill-topic', 'orders'],
    ['tidemill-partition', '3'],
    ['tidemill-offset', '7'],
    ['tidemill-dead-reason', 'permanent'],
    ['tidemill-dead-error', 'no such order'],
    ['tidemill-dead-at', '123'],
    ['tidemill-attempt', '1'],
  ])
})

test("an error's text is bounded, and without one no old text stays", () => {
  const long = deadCopy(messageOf(), { ...DEAD, error: 'ß'.repeat(5_000) }, TOPICS, 1)
  const error = long.headers.find(([name]) => name === 'tidemill-dead-error')![1]!
  assert.equal(error.toString(), 'ß'.repeat(1_024))
  const { error: _, ...silent } = RETRY
  const copy = retryCopy(messageOf({ 'tidemill-retry-error': bytes('old') }), silent, TOPICS)
  assert.ok(!copy.headers.some(([name]) => name === 'tidemill-retry-error'))
})

test('topics are told by their rung', () => {
  assert.deepEqual(
    [...TOPICS.retries],
    [
      [100, 'orders.retry.100'],
      [5_000, 'orders.retry.5000'],
    ],
  )
  assert.deepEqual(['orders.retry.5000', 'orders', 'orders.retry.1'].map(TOPICS.delayOf), [5_000, 0, 0])
  assert.deepEqual(
    [groupOf({ queue: 'orders', consumerGroup: undefined }), groupOf({ queue: 'orders', consumerGroup: 'g' })],
    ['orders', 'g'],
  )
})
