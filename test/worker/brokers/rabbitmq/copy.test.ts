import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageProperties, Message as RawMessage } from 'amqplib'
import { deadCopy, releaseCopy, retryCopy, suspectCopy } from '../../../../worker/brokers/rabbitmq/copy.ts'
import { RabbitMessage } from '../../../../worker/brokers/rabbitmq/message.ts'
import { namesOf } from '../../../../worker/brokers/rabbitmq/names.ts'
import { SETTINGS } from '../../../conformance/harness.ts'

const names = namesOf('orders')
const settings = { ...SETTINGS, brokerUrl: 'amqp://host', queue: 'orders' }
const RETRY = { kind: 'retry', delayMs: 5_000, reason: 'error', error: 'boom', counted: true } as const
const DEAD = { kind: 'dead', reason: 'permanent', error: 'no such order' } as const

function message(
  properties: Partial<MessageProperties> = {},
  fields: Partial<RawMessage['fields']> = {},
): RabbitMessage {
  const raw = {
    content: Buffer.from([0xff, 0x00]),
    fields: { deliveryTag: 1, redelivered: false, exchange: 'orders.work', routingKey: 'orders', ...fields },
    properties: { headers: {}, ...properties },
  } as RawMessage
  return new RabbitMessage(raw, settings)
}

test('a retry keeps body and properties, less what would end its wait or is checked against who publishes', () => {
  const kept = {
    contentType: 'application/json',
    contentEncoding: 'gzip',
    correlationId: 'c',
    replyTo: 'r',
    messageId: 'm',
    type: 't',
    appId: 'a',
    priority: 3,
    timestamp: 1_764_000_000,
  }
  const original = message({ ...kept, expiration: '200', userId: 'guest', deliveryMode: 1, clusterId: 'x' })
  const { exchange, routingKey, body, options } = retryCopy(original, RETRY, names)
  const { headers, ...properties } = options
  assert.deepEqual([exchange, routingKey], ['orders.retry', '5000'])
  assert.equal(body, original.raw.content)
  assert.deepEqual(properties, { ...kept, persistent: true, mandatory: true })
  assert.deepEqual(
    { ...headers },
    { 'tidemill-attempt': 2, 'tidemill-retry-reason': 'error', 'tidemill-retry-error': 'boom' },
  )
})

test('a retry that does not count leaves the attempt as it is; an old error does not stay', () => {
  const headers = { 'tidemill-attempt': 4, 'tidemill-retry-error': 'old', 'tidemill-crashes': 2 }
  const copy = retryCopy(
    message({ headers }),
    { kind: 'retry', delayMs: 5_000, reason: 'type-limit', counted: false },
    names,
  )
  assert.deepEqual({ ...copy.options.headers }, { 'tidemill-attempt': 4, 'tidemill-retry-reason': 'type-limit' })
})

test('an error of any length is bounded to 2 KB, within whole characters', () => {
  const copy = deadCopy(message(), { ...DEAD, error: '☂'.repeat(5_000) }, names, 0)
  const error = copy.options.headers['tidemill-dead-error'] as string
  assert.ok(Buffer.byteLength(error) <= 2_048 && Buffer.byteLength(error) > 2_000)
  assert.match(error, /^☂+$/)
})

test('a job from elsewhere remembers where it came from, through retries, into its dead letter', () => {
  const foreign = message({}, { exchange: 'shop', routingKey: 'orders.eu' })
  const retried = retryCopy(foreign, RETRY, names)
  assert.equal(retried.options.headers['tidemill-exchange'], 'shop')
  assert.equal(retried.options.headers['tidemill-routing-key'], 'orders.eu')
  const back = message({ headers: { ...retried.options.headers } })
  const dead = deadCopy(back, DEAD, names, 7)
  assert.deepEqual([dead.exchange, dead.routingKey], ['orders.dead', 'orders.eu'])
  assert.equal(dead.options.headers['tidemill-exchange'], 'shop')
  assert.equal(dead.options.headers['tidemill-dead-at'], 7)
  assert.equal(dead.options.headers['tidemill-attempt'], 2)
  assert.equal(deadCopy(message(), DEAD, names, 7).routingKey, 'orders')
})

test('crashes are counted from the suspects queue only: the broker’s count beside what a worker wrote', () => {
  const headers = { 'tidemill-crashes': 2, 'x-delivery-count': 1 }
  const fields = { exchange: 'orders.work', routingKey: 'orders.suspects' }
  assert.equal(message({ headers }, { ...fields, redelivered: true }).crashes, 3)
  assert.equal(message({ headers }, { ...fields, redelivered: false }).crashes, 2)
  const moved = suspectCopy(message({ headers }, { redelivered: true }), 0, names)
  assert.deepEqual([moved.exchange, moved.routingKey], ['orders.work', 'orders.suspects'])
  assert.deepEqual({ ...moved.options.headers }, { 'tidemill-crashes': 0 })
  assert.deepEqual({ ...releaseCopy(message({ headers }), names).options.headers }, {})
  assert.equal(Object.hasOwn(deadCopy(message({ headers }), DEAD, names, 0).options.headers, 'tidemill-crashes'), false)
})

test('texts that grew when they were decoded still fit, and the id stays the same from copy to copy', () => {
  const messageId = '\ufffd'.repeat(200)
  const original = message({ messageId, timestamp: 2 ** 63, priority: 300 }, { exchange: 'x', routingKey: messageId })
  const { options } = retryCopy(original, RETRY, names)
  assert.ok(Buffer.byteLength(options.messageId!) <= 255)
  assert.deepEqual([options.timestamp, options.priority], [undefined, undefined])
  assert.equal(message({ messageId: options.messageId }).id, original.id)
  assert.ok(Buffer.byteLength(deadCopy(original, DEAD, names, 0).routingKey) <= 255)
})

test('what is known of a message is read from it: type, time, key, id', () => {
  const bare = message({ headers: undefined })
  assert.deepEqual(
    [bare.type, bare.key, bare.enqueuedAt, bare.attempt, bare.idDerived],
    ['', undefined, undefined, 1, true],
  )
  assert.equal(bare.id, message().id)
  assert.equal(message({ timestamp: 1_764_000_000 }).enqueuedAt, 1_764_000_000_000)
  const headers = { 'tidemill-enqueued-at': 1_764_000_000_123, 'tidemill-key': 'k', 'tidemill-type': 'header' }
  const full = message({ headers, timestamp: 5, messageId: 'm' })
  assert.deepEqual([full.enqueuedAt, full.key, full.type, full.id], [1_764_000_000_123, 'k', 'header', 'm'])
  assert.equal(message({ type: 'property', headers }).type, 'property')
})
