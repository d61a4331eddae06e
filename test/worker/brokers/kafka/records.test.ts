import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import type { LogRecord } from '../../../../worker/brokers/kafka/record.ts'
import { type Aborted, decodeRecords } from '../../../../worker/brokers/kafka/records.ts'

// The other side of the wire: kafkajs's own encoder, which carries no types.
const load = createRequire(import.meta.url)
const { RecordBatch: encodeBatch } = load('kafkajs/src/protocol/recordBatch/v0/index.js')
const encodeRecord = load('kafkajs/src/protocol/recordBatch/record/v0/index.js')
const Long = load('kafkajs/src/utils/long.js')

interface Sent {
  readonly delta: number
  readonly age: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Record<string, Buffer | Buffer[]>
}

interface BatchOptions {
  readonly first: number
  readonly lastDelta?: number
  readonly compressed?: boolean
  readonly producer?: number
  readonly control?: boolean
}

const FIRST_TIMESTAMP = 1_764_000_000_000
const CONTROL = 0x20
const ATTRIBUTES_AT = 22

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))
const sent: fc.Arbitrary<Sent> = fc.record({
  delta: fc.integer({ min: 1, max: 5 }),
  age: fc.oneof(fc.integer({ min: -1_000, max: 100_000 }), fc.integer({ min: 0, max: 2 ** 40 })),
  key: fc.option(bytes(300)),
  value: fc.option(bytes(20_000)),
  headers: fc.dictionary(
    fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom('__proto__', 'constructor', 'ü☂')),
    fc.oneof(bytes(200), fc.array(bytes(10), { minLength: 2, maxLength: 4 })),
    { maxKeys: 4 },
  ),
})

async function batchOf(records: readonly Sent[], options: BatchOptions): Promise<Buffer> {
  const { first, compressed = false, producer, control = false } = options
  let offsetDelta = -1
  const encoded = records.map(({ delta, age, key, value, headers }) => {
    offsetDelta += delta
    return encodeRecord({ offsetDelta, timestampDelta: age, key, value, headers })
  })
  const { buffer } = await encodeBatch({
    compression: compressed ? 1 : 0,
    firstOffset: Long.fromValue(String(first)),
    firstTimestamp: FIRST_TIMESTAMP,
    maxTimestamp: FIRST_TIMESTAMP,
    lastOffsetDelta: options.lastDelta ?? offsetDelta,
    transactional: producer !== undefined,
    ...(producer === undefined ? {} : { producerId: Long.fromValue(String(producer)) }),
    records: encoded,
  })
  const copy = Buffer.from(buffer)
  if (control) copy[ATTRIBUTES_AT] = copy[ATTRIBUTES_AT]! | CONTROL
  return copy
}

const marker = (type: 0 | 1): Sent => ({
  delta: 1,
  age: 0,
  key: Buffer.from([0, 0, 0, type]),
  value: Buffer.alloc(6),
  headers: {},
})
const plain = (text: string): Sent => ({ delta: 1, age: 0, key: null, value: Buffer.from(text), headers: {} })

async function decode(set: Buffer, aborted: readonly Aborted[] = []) {
  const { batches, end } = await decodeRecords(set, aborted, async (type, compressed) => {
    assert.equal(type, 1)
    return gunzipSync(compressed)
  })
  const records: LogRecord[] = []
  for (const batch of batches) {
    let bytes = 0
    for (let record = batch.next(); record !== undefined; record = batch.next()) {
      records.push(record)
      bytes += record.size
    }
    assert.equal(bytes, batch.bytes)
  }
  return { records, end }
}

const textsOf = (records: readonly LogRecord[]) => records.map(({ value }) => String(value))

test('what a producer encoded is decoded, byte for byte, whatever it is', async () => {
  const lanes = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.array(sent, { minLength: 1, maxLength: 8 }), fc.boolean()), { minLength: 1, maxLength: 4 }),
      fc.oneof(fc.nat(1_000), fc.integer({ min: 2 ** 31 - 20, max: 2 ** 52 })),
      async (batches, start) => {
        const encoded: Buffer[] = []
        const expected: (Sent & { offset: number })[] = []
        let first = start
        for (const [records, compressed] of batches) {
          encoded.push(await batchOf(records, { first, compressed }))
          let offset = first - 1
          for (const record of records) {
            offset += record.delta
            expected.push({ ...record, offset })
          }
          first = offset + 1
        }
        const { records, end } = await decode(Buffer.concat(encoded))
        assert.equal(end, first)
        assert.equal(records.length, expected.length)
        for (const [at, record] of records.entries()) {
          // Half of them are copied out first, as those that are at work are.
          if (at % 2 === 0) record.detach()
          const { offset, age, key, value, headers } = expected[at]!
          assert.deepEqual([record.offset, record.timestamp], [offset, FIRST_TIMESTAMP + age])
          assert.deepEqual([record.key, record.value], [key, value])
          const list = Object.entries(headers).flatMap(([name, values]) => [values].flat().map((one) => [name, one]))
          assert.deepEqual(record.headers, list)
          assert.equal(record.lane === undefined, key === null)
          if (key !== null) {
            const known = lanes.get(key.toString('latin1'))
            assert.ok(known === undefined || known === record.lane)
            lanes.set(key.toString('latin1'), record.lane!)
          }
        }
      },
    ),
    { numRuns: 200 },
  )
  assert.ok(new Set(lanes.values()).size > lanes.size * 0.99, 'keys share lanes more often than chance would have it')
})

test('a batch that is cut off is left for the next fetch', async () => {
  const whole = await batchOf([plain('a'), plain('b')], { first: 7 })
  const second = await batchOf([plain('c')], { first: 9 })
  for (let cut = 0; cut < second.length; cut += 7) {
    const { records, end } = await decode(Buffer.concat([whole, second.subarray(0, cut)]))
    assert.deepEqual([textsOf(records), end], [['a', 'b'], 9])
  }
  assert.deepEqual(await decode(whole.subarray(0, 30)), { records: [], end: undefined })
})

test('offsets that compaction has emptied are covered, a whole batch of them too', async () => {
  const thinned = await batchOf([plain('a')], { first: 10, lastDelta: 9 })
  const empty = await batchOf([], { first: 20, lastDelta: 4 })
  const { records, end } = await decode(Buffer.concat([thinned, empty]))
  assert.deepEqual([textsOf(records), end], [['a'], 25])
})

test('markers and the records of aborted transactions are not seen, those of others are', async () => {
  const set = Buffer.concat([
    await batchOf([plain('before')], { first: 0, producer: 1 }),
    await batchOf([marker(1)], { first: 1, producer: 1, control: true }),
    await batchOf([plain('aborted')], { first: 2, producer: 1 }),
    await batchOf([plain('of another')], { first: 3, producer: 2 }),
    await batchOf([plain('of nobody')], { first: 4 }),
    await batchOf([marker(0)], { first: 5, producer: 1, control: true }),
    await batchOf([plain('after')], { first: 6, producer: 1 }),
  ])
  const { records, end } = await decode(set, [{ producerId: 1n, firstOffset: 2 }])
  assert.deepEqual([textsOf(records), end], [['before', 'of another', 'of nobody', 'after'], 7])
})

test('bytes that are no record batch are refused, not guessed at', async () => {
  const old = Buffer.alloc(100)
  old.writeInt32BE(88, 8)
  await assert.rejects(decode(old), /expected record batches of version 2, got version 0/)
  const batch = await batchOf([plain('a')], { first: 0 })
  const claims = Buffer.from(batch)
  claims.writeInt32BE(2, 57)
  await assert.rejects(decode(claims), RangeError)
  const short = Buffer.from(batch)
  short.writeInt32BE(10, 8)
  await assert.rejects(decode(short), SyntaxError)
})

test('bytes that were tampered with never hang, crash or lead beyond themselves', async () => {
  const batch = await batchOf([plain('a'), { ...plain('b'), headers: { h: Buffer.from('x') } }], { first: 0 })
  await fc.assert(
    fc.asyncProperty(fc.nat(batch.length - 1), fc.nat(255), async (at, byte) => {
      const tampered = Buffer.from(batch)
      tampered[at] = byte
      const { records } = await decode(tampered).catch((error) => {
        assert.ok(
          error instanceof RangeError || error instanceof SyntaxError || /assert|incorrect/i.test(String(error)),
          String(error),
        )
        return { records: [] as LogRecord[] }
      })
      for (const record of records) {
        const { key, value } = record
        assert.ok((key?.length ?? 0) + (value?.length ?? 0) <= batch.length)
        try {
          assert.ok(record.headers)
        } catch (error) {
          assert.ok(error instanceof RangeError, String(error))
        }
      }
    }),
    { numRuns: 3_000 },
  )
})

test('a record that is at work does not hold the fetch that it came with', async () => {
  const set = await batchOf([plain('small'), plain('x'.repeat(1_000_000))], { first: 0, compressed: false })
  const { records } = await decode(set)
  const [small] = records
  assert.ok(small!.value!.buffer.byteLength > 1_000_000)
  small!.detach()
  assert.ok(small!.value!.buffer.byteLength < 100_000)
  assert.equal(String(small!.value), 'small')
  assert.ok(gzipSync(small!.value!).length > 0)
})
