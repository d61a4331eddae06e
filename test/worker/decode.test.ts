import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import * as v from 'valibot'
import * as z from 'zod'
import type { Message } from '../../worker/contracts.ts'
import { decode } from '../../worker/decode.ts'
import { InvalidPayloadError } from '../../worker/errors.ts'

const LIMITS = { maxBodyBytes: 1_000_000, maxDepth: 64 }
const message = (body: Uint8Array | string, contentEncoding?: string): Message => ({
  id: '1',
  idDerived: false,
  type: 't',
  body: typeof body === 'string' ? Buffer.from(body) : body,
  contentEncoding,
  headers: {},
  attempt: 1,
  redelivered: false,
})
const refuses = (body: Uint8Array | string, expected: RegExp, encoding?: string, limits = LIMITS) =>
  assert.throws(
    () => decode(message(body, encoding), {}, limits),
    (error) => error instanceof InvalidPayloadError && expected.test(error.message),
  )

test('any JSON value comes back as it was', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (text) => {
      let expected: unknown
      try {
        expected = decode(message(text), {}, LIMITS)
      } catch (error) {
        assert.ok(error instanceof InvalidPayloadError && /prototype/.test(error.message))
        return
      }
      assert.deepEqual(expected, JSON.parse(text))
    }),
  )
})

test('whatever bytes come, decoding gives a value or says that the payload is invalid', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(undefined, 'gzip', 'br'), (body, encoding) => {
      try {
        decode(message(body, encoding), {}, LIMITS)
      } catch (error) {
        assert.ok(error instanceof InvalidPayloadError)
      }
    }),
  )
})

test('what is no JSON, no UTF-8 or empty is refused with what came', () => {
  refuses('{"a":', /not JSON/)
  refuses('', /empty/)
  refuses(Uint8Array.of(0x22, 0xff, 0x22), /UTF-8/)
})

test('a byte order mark is ignored, and what only looks like one is not', () => {
  assert.equal(decode(message(Buffer.from('\ufeff"a"')), {}, LIMITS), 'a')
  refuses(Uint8Array.of(0xef, 0xbb, 0x22), /UTF-8/)
  refuses('"a"\ufeff', /not JSON/)
})

test('keys that reach a prototype are refused at any depth, also escaped; a plain key named constructor is data', () => {
  refuses('{"a":[{"__proto__":{"x":1}}]}', /__proto__/)
  refuses('{"\\u005f_proto__":1}', /__proto__/)
  refuses('{"constructor":{"prototype":{"x":1}}}', /constructor/)
  assert.deepEqual(decode(message('{"constructor":"Ferrari"}'), {}, LIMITS), { constructor: 'Ferrari' })
})

test('a body nested 200,000 deep is refused, and 64 levels are not', () => {
  refuses('['.repeat(200_000) + ']'.repeat(200_000), /deep|JSON/)
  assert.ok(decode(message('['.repeat(64) + ']'.repeat(64)), {}, LIMITS))
  refuses('['.repeat(65) + ']'.repeat(65), /deep/)
})

test('size counts before and after decompression', () => {
  const limits = { maxBodyBytes: 100, maxDepth: 8 }
  refuses(`"${'a'.repeat(100)}"`, /at most 100 bytes, got 102/, undefined, limits)
  refuses(gzipSync(`"${'a'.repeat(1_000_000)}"`.slice(0, 90)), /JSON/, 'gzip', limits)
  refuses(gzipSync(Buffer.alloc(10_000_000, 97)).subarray(0, 90), /gzip/, 'gzip', limits)
  refuses(gzipSync(JSON.stringify('a'.repeat(3_000_000))), /gzip of at most 1000000/, 'gzip')
  assert.equal(decode(message(gzipSync('"ok"'), 'gzip'), {}, limits), 'ok')
  refuses('"a"', /content encoding/, 'br')
})

for (const [name, schema] of [
  ['zod', z.object({ n: z.number() })],
  ['valibot', v.object({ n: v.number() })],
] as const) {
  test(`a ${name} schema validates, and its issues say where`, () => {
    assert.deepEqual(decode(message('{"n":1}'), { schema }, LIMITS), { n: 1 })
    assert.throws(
      () => decode(message('{"n":"1"}'), { schema }, LIMITS),
      (error) => error instanceof InvalidPayloadError && /n: /.test(error.message),
    )
  })
}

test('an asynchronous schema is awaited, and a schema that throws is an invalid payload', async () => {
  const later = v.pipeAsync(
    v.number(),
    v.checkAsync(async (n) => n > 1, 'too small'),
  )
  assert.equal(await decode(message('2'), { schema: later }, LIMITS), 2)
  await assert.rejects(async () => decode(message('1'), { schema: later }, LIMITS), /too small/)
  const broken = z.unknown().transform(() => {
    throw new Error('bug')
  })
  await assert.rejects(async () => decode(message('1'), { schema: broken }, LIMITS), /bug/)
})

test('a codec of the job takes the place of JSON', () => {
  const codec = { contentType: 'text/plain', encode: () => Buffer.from(''), decode: (b: Uint8Array) => b.byteLength }
  assert.equal(decode(message('abc'), { codec }, LIMITS), 3)
  const broken = { ...codec, decode: () => assert.fail('not mine') }
  assert.throws(() => decode(message('abc'), { codec: broken }, LIMITS), /text\/plain: not mine/)
})
