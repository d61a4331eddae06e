import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import kafkajsMurmur2 from 'kafkajs/src/producer/partitioners/default/murmur2.js'
import { murmur2, Partitioner } from '../../../../worker/brokers/kafka/partitioner.ts'

// From the Java client's own tests.
const VECTORS: readonly (readonly [key: string, hash: number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
]

for (const [key, hash] of VECTORS) {
  test(`the key ${key} has the hash that Java gives it`, () => assert.equal(murmur2(Buffer.from(key)), hash))
}

test('any key has the hash that kafkajs gives it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (key) => {
      assert.equal(murmur2(key), kafkajsMurmur2(Buffer.from(key)))
    }),
  )
})

test('a key stays with its partition, also while that has no leader', () => {
  const partitioner = new Partitioner(0)
  const key = Buffer.from('foobar')
  const all = partitioner.partitionOf(key, 4, [0, 1, 2, 3])
  assert.equal(all, (-790332482 & 0x7fffffff) % 4)
  assert.equal(
    partitioner.partitionOf(
      key,
      4,
      [0, 1, 2, 3].filter((one) => one !== all),
    ),
    all,
  )
})

test('records without a key take turns among the partitions that have a leader', () => {
  const partitioner = new Partitioner(7)
  const turns = Array.from({ length: 6 }, () => partitioner.partitionOf(null, 4, [0, 2, 3]))
  assert.deepEqual([...turns].sort(), [0, 0, 2, 2, 3, 3])
  assert.notEqual(turns[0], turns[1])
  assert.ok(partitioner.partitionOf(null, 4, []) < 4)
})
