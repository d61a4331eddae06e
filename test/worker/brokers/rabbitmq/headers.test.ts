import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  copiedHeaders,
  headerOf,
  integerOf,
  shortString,
  textOf,
  viewOf,
} from '../../../../worker/brokers/rabbitmq/headers.ts'

// amqplib exports its codec to nobody; a test may look at what it would do.
const require = createRequire(import.meta.url)
const codec = join(import.meta.dirname, '../../../../node_modules/amqplib/lib/codec.js')
const { encodeTable, decodeFields } = require(codec) as {
  encodeTable(buffer: Buffer, table: object, offset: number): number
  decodeFields(slice: Buffer): Record<string, unknown>
}

/** Decodes a table whose only entry is a table under `__proto__`, as a hostile producer would send it. */
function withPrototype(inner: object): Record<string, unknown> {
  const buffer = Buffer.alloc(1_000)
  const name = '__proto__'
  buffer.writeUInt8(name.length, 0)
  buffer.write(name, 1)
  buffer.write('F', 1 + name.length)
  const size = encodeTable(buffer, inner, 2 + name.length)
  return decodeFields(buffer.subarray(0, 2 + name.length + size))
}

test('a header that hides in the prototype is not seen, not shown and not copied', () => {
  const headers = withPrototype({ 'tidemill-attempt': -999, 'x-tenant': 'evil' })
  assert.equal(headers['tidemill-attempt'], -999, 'amqplib has set the prototype')
  assert.equal(headerOf(headers, 'tidemill-attempt'), undefined)
  assert.equal(integerOf(headers, 'tidemill-attempt', 1, 10), undefined)
  assert.deepEqual(Object.keys(viewOf(headers)), [])
  assert.equal(viewOf(headers)['x-tenant'], undefined)
  assert.equal(copiedHeaders(headers)['x-tenant'], undefined)
  assert.equal(headerOf(undefined, 'toString'), undefined)
  assert.equal(headerOf({}, 'toString'), undefined)
})

test('integers are clamped, and what is none is none', () => {
  const cases: [unknown, number | undefined][] = [
    [3, 3],
    ['3', 3],
    [-5, 1],
    ['-5', 1],
    [1e12, 100],
    ['99999999999999999999', undefined],
    [2.9, 2],
    [Number.NaN, undefined],
    [Number.POSITIVE_INFINITY, undefined],
    ['0x10', undefined],
    ['', undefined],
    [true, undefined],
    [[7], undefined],
    [{ value: 7 }, undefined],
    [null, undefined],
  ]
  for (const [value, expected] of cases) assert.equal(integerOf({ n: value }, 'n', 1, 100), expected, String(value))
})

test('the view has strings for every kind of value, and no prototype', () => {
  const view = viewOf({
    text: 'ü',
    number: 7,
    boolean: false,
    none: null,
    bytes: Buffer.from('raw'),
    time: { '!': 'timestamp', value: 1_764_000_000 },
    table: { a: [1, 'b'] },
    cyclic: (() => {
      const list: unknown[] = []
      list.push(list)
      return list
    })(),
  })
  assert.deepEqual(
    { ...view },
    {
      text: 'ü',
      number: '7',
      boolean: 'false',
      none: 'null',
      bytes: 'raw',
      time: '1764000000',
      table: '{"a":[1,"b"]}',
      cyclic: '[unreadable]',
    },
  )
  assert.equal(Object.getPrototypeOf(view), null)
  assert.ok(Object.isFrozen(view))
  assert.equal(textOf({ a: 5 }, 'a'), '5')
  assert.equal(textOf({ a: {} }, 'a'), undefined)
})

test('what the broker wrote or acts on is not copied; all else is, untouched', () => {
  const kept = { 'x-tenant': 'acme', cc: 'lower', 'x-deaths': 1, nested: { a: [1, { '!': 'timestamp', value: 5 }] } }
  const stripped = {
    'x-death': [{ count: 3 }],
    'x-first-death-queue': 'q',
    'x-last-death-reason': 'expired',
    'x-delivery-count': 7,
    'x-acquired-count': 9,
    CC: ['other'],
    BCC: ['other'],
  }
  assert.deepEqual({ ...copiedHeaders({ ...kept, ...stripped }) }, kept)
})

const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string(),
    fc.double(),
    fc.maxSafeInteger(),
    fc.constantFrom(2 ** 51 + 0.5, 2 ** 63, -(2 ** 63), -(2 ** 64), 2 ** 64, -1e300, 1e300, -Infinity, NaN),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
    fc.record({ '!': fc.constantFrom('timestamp', 'decimal', 'nonsense', 'uint8'), value: tie('value') }),
    fc.record({ '!': fc.constant('decimal'), value: fc.record({ places: fc.integer(), digits: fc.integer() }) }),
    fc.record({ '!': fc.constant('timestamp'), value: fc.constantFrom(0, 2 ** 53, 2 ** 64, -1) }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ maxLength: 300, size: 'max' }), tie('value'), { maxKeys: 4 }),
  ),
})).value

test('a copy can always be written, whatever a producer sent', () => {
  const buffer = Buffer.alloc(65_536)
  fc.assert(
    fc.property(fc.dictionary(fc.string({ maxLength: 300 }), value, { maxKeys: 12 }), (headers) => {
      encodeTable(buffer, copiedHeaders(headers), 0)
    }),
    { numRuns: 1_000 },
  )
})

test('headers of more than a message can carry are left out, the others are kept', () => {
  const copy = copiedHeaders({ first: 'a', huge: 'x'.repeat(60_000), last: 'z' })
  assert.deepEqual({ ...copy }, { first: 'a', last: 'z' })
  const many = copiedHeaders(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`h${i}`, 'y'.repeat(1_000)])))
  assert.ok(encodeTable(Buffer.alloc(65_536), many, 0) < 50_000)
  assert.ok(Object.keys(many).length > 40)
})

test('a table nested beyond all reason is left out and does not overflow the stack', () => {
  let deep: unknown = 1
  for (let level = 0; level < 20_000; level++) deep = [deep]
  assert.deepEqual({ ...copiedHeaders({ deep, kept: 1 }) }, { kept: 1 })
  assert.equal(typeof viewOf({ deep })['deep'], 'string')
})

test('a short string has at most 255 bytes, is a beginning of the text, and is cut between characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400, size: 'max' }), (text) => {
      const short = shortString(text)
      assert.ok(Buffer.byteLength(short) <= 255)
      assert.ok(text.startsWith(short))
      if (Buffer.byteLength(text) <= 255) assert.equal(short, text)
      else assert.ok(Buffer.byteLength(short) > 250)
    }),
  )
})
