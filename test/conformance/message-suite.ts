import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '../../worker/contracts.ts'
import { ACK, DEAD, Feed, type Harness, type RawMessage, RELEASE, RETRY, within } from './harness.ts'

// Not UTF-8: a body that was ever decoded to a string and back differs.
const BINARY = Uint8Array.from([0xff, 0x00, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0x0a, 0x7b])
const FOREIGN: RawMessage = {
  messageId: 'foreign-1',
  type: 'test',
  contentType: 'application/x-weird; v=1',
  contentEncoding: 'x-none',
  headers: { 'x-tenant': 'acme', 'X-Tenant': 'ACME', empty: '', 'unicode ☂': 'ü\n\u0000', 'tidemill-key': 'k-1' },
  body: BINARY,
}

/** What of a message survives, and what a worker sees of it. */
export function messageTests(harness: Harness): void {
  const outcomes: readonly Outcome[] = [RELEASE, RETRY]
  for (const outcome of outcomes) {
    test(`after '${outcome.kind}' body, headers and properties are what they were`, async (t) => {
      const room = await harness.open(t)
      await room.publish(FOREIGN)
      const feed = new Feed(room)
      const first = await feed.next()
      await within('the settlement', first.settle(outcome))
      const { message } = await feed.next()
      assert.deepEqual(Buffer.from(message.body), Buffer.from(BINARY))
      assert.deepEqual(pick(message.headers, FOREIGN.headers), { ...FOREIGN.headers })
      assert.equal(message.id, 'foreign-1')
      assert.equal(message.type, 'test')
      assert.equal(message.contentType, FOREIGN.contentType)
      assert.equal(message.contentEncoding, FOREIGN.contentEncoding)
      assert.equal(message.key, 'k-1')
    })
  }

  test('a dead letter is the original with the reason, the error and the attempt', async (t) => {
    const room = await harness.open(t)
    await room.publish(FOREIGN)
    const feed = new Feed(room)
    await within('the settlement', (await feed.next()).settle(RETRY))
    const begun = Date.now()
    assert.equal(await within('the settlement', (await feed.next()).settle(DEAD)), true)
    const dead = await room.dead()
    assert.equal(dead.length, 1)
    const { headers, body, ...properties } = dead[0]!
    assert.deepEqual(Buffer.from(body), Buffer.from(BINARY))
    assert.deepEqual(pick(headers, FOREIGN.headers), { ...FOREIGN.headers })
    const { headers: _, body: __, ...sent } = FOREIGN
    assert.deepEqual({ ...properties }, sent)
    assert.equal(headers['tidemill-dead-reason'], 'permanent')
    assert.equal(headers['tidemill-dead-error'], 'no such order')
    assert.equal(Number(headers['tidemill-attempt']), 2)
    assert.ok(Math.abs(Number(headers['tidemill-dead-at']) - begun) < 20_000)
    assert.equal(Object.hasOwn(headers, 'x-death'), false)
  })

  test('a message without an id gets one from its type and body, the same at every delivery', async (t) => {
    const room = await harness.open(t, { concurrency: 1 })
    const anonymous = { type: 'test', headers: {}, body: BINARY }
    await room.publish(anonymous)
    const feed = new Feed(room)
    const first = await feed.next()
    assert.equal(first.message.idDerived, true)
    assert.match(first.message.id, /^[0-9a-f]{64}$/)
    await within('the settlement', first.settle(RELEASE))
    const second = await feed.next()
    await within('the settlement', second.settle(RETRY))
    const third = await feed.next()
    assert.deepEqual([second.message.id, second.message.idDerived], [first.message.id, true])
    assert.deepEqual([third.message.id, third.message.idDerived], [first.message.id, true])
    await third.settle(ACK)
    await room.publish({ ...anonymous, type: 'other' })
    await room.publish({ ...anonymous, body: Buffer.from('other') })
    const others = [await ackNext(feed), await ackNext(feed)]
    assert.equal(new Set([first.message.id, ...others]).size, 3)
  })

  test("the type is the property, else the header, else the worker's default, else empty", async (t) => {
    const room = await harness.open(t, { typeHeader: 'x-kind', defaultType: 'fallback', concurrency: 1 })
    const body = Buffer.from('{}')
    await room.publish({ messageId: '1', type: 'property', headers: { 'x-kind': 'header' }, body })
    await room.publish({ messageId: '2', headers: { 'x-kind': 'header' }, body })
    await room.publish({ messageId: '3', headers: { 'tidemill-type': 'not asked for' }, body })
    const feed = new Feed(room)
    for (const expected of ['property', 'header', 'fallback']) {
      const delivery = await feed.next()
      assert.equal(delivery.message.type, expected)
      await delivery.settle(ACK)
    }
    const plain = await harness.open(t)
    await plain.publish({ messageId: '4', headers: {}, body })
    assert.equal((await new Feed(plain).next()).message.type, '')
  })

  test('hostile headers reach the handler as plain read-only strings and pollute nothing', async (t) => {
    const room = await harness.open(t)
    const headers: Record<string, unknown> = JSON.parse(
      '{"__proto__": "polluted", "constructor": "c", "toString": "t", "hasOwnProperty": "h", "x\\r\\ninjected": "a\\nb"}',
    )
    await room.publish({ messageId: 'hostile', type: 'test', headers, body: BINARY })
    const { message } = await new Feed(room).next()
    assert.equal(Object.getPrototypeOf(message.headers), null)
    assert.equal(message.headers['constructor'], 'c')
    assert.equal(message.headers['toString'], 't')
    assert.equal(message.headers['x\r\ninjected'], 'a\nb')
    for (const value of Object.values(message.headers)) assert.equal(typeof value, 'string')
    assert.throws(() => Object.assign(message.headers, { constructor: 'changed' }), TypeError)
    assert.equal(Object.getPrototypeOf({}), Object.prototype)
    assert.equal(message.attempt, 1)
  })

  for (const forged of ['-999', '0', '1e9', '2.5', '99999999999999999999', 'NaN', '', ' 3', '0x10']) {
    test(`a forged attempt of ${JSON.stringify(forged)} counts as the first try`, async (t) => {
      const room = await harness.open(t)
      await room.publish({ messageId: 'a', type: 'test', headers: { 'tidemill-attempt': forged }, body: BINARY })
      const feed = new Feed(room)
      const first = await feed.next()
      assert.equal(first.message.attempt, 1)
      await within('the settlement', first.settle(RETRY))
      assert.equal((await feed.next()).message.attempt, 2)
    })
  }

  test('a body of no bytes and one of 200 kB pass untouched', async (t) => {
    const room = await harness.open(t, { concurrency: 1 })
    const large = Buffer.alloc(200_000, Buffer.from([0, 255, 128, 13, 10]))
    await room.publish({ messageId: 'empty', type: 'test', headers: {}, body: Buffer.alloc(0) })
    await room.publish({ messageId: 'large', type: 'test', headers: {}, body: large })
    const feed = new Feed(room)
    for (const expected of [Buffer.alloc(0), large]) {
      const delivery = await feed.next()
      assert.ok(expected.equals(delivery.message.body))
      await delivery.settle(ACK)
    }
  })
}

function pick(headers: Readonly<Record<string, unknown>>, like: object): object {
  return Object.fromEntries(Object.keys(like).map((name) => [name, headers[name]]))
}

async function ackNext(feed: Feed): Promise<string> {
  const delivery = await feed.next()
  await within('the settlement', delivery.settle(ACK))
  return delivery.message.id
}
