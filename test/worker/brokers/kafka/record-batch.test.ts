import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import Decoder from 'kafkajs/src/protocol/decoder.js'
import decodeBatch from 'kafkajs/src/protocol/recordBatch/v0/decoder.js'
import type { Header } from '../../../../worker/brokers/kafka/headers.ts'
import { type Content, encodeBatch, sizeBound } from '../../../../worker/brokers/kafka/record-batch.ts'

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const maybe = fc.option(bytes)
// kafkajs takes a name that every object inherits for one that was there before.
const name = fc.string({ unit: 'grapheme', maxLength: 80 }).filter((text) => !(text in {}) && text.isWellFormed())
const content = fc.record({ key: maybe, value: maybe, headers: fc.array(fc.tuple(name, maybe), { maxLength: 5 }) })

test('any batch is read back as it was written, and no record is larger than its bound', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(content, { minLength: 1, maxLength: 20 }), fc.nat(), async (records, timestamp) => {
      const batch = encodeBatch(records, timestamp)
      assert.ok(batch.length <= records.reduce((sum, record) => sum + sizeBound(record), 61))
      const { records: read, ...head } = await decodeBatch(new Decoder(batch))
      assert.deepEqual([head.firstTimestamp, head.maxTimestamp], [String(timestamp), String(timestamp)])
      assert.deepEqual([head.lastOffsetDelta, head.producerId], [records.length - 1, '-1'])
      assert.deepEqual(
        read.map(({ offset, key, value, headers }) => ({ offset, key, value, headers })),
        records.map(({ key, value, headers }, index) => ({
          offset: String(index),
          key,
          value,
          headers: asKafkajsHasThem(headers),
        })),
      )
    }),
  )
})

test('a batch that is as large as a topic takes is written at once', () => {
  const records: Content[] = Array.from({ length: 1_000 }, () => ({
    key: null,
    value: Buffer.alloc(900, 'x'),
    headers: [],
  }))
  const batch = encodeBatch(records, 1)
  assert.ok(batch.length > 900_000 && batch.length < 1_000_000)
})

function asKafkajsHasThem(headers: readonly Header[]): object {
  const all: Record<string, unknown> = {}
  for (const [key, value] of headers) {
    const before = all[key]
    if (before === undefined) all[key] = value
    else all[key] = Array.isArray(before) ? [...before, value] : [before, value]
  }
  return all
}
