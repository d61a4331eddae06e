import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Order, Taken } from '../../../../worker/brokers/kafka/lanes.ts'
import { Partition } from '../../../../worker/brokers/kafka/partition.ts'
import type { LogRecord } from '../../../../worker/brokers/kafka/record.ts'
import { encodeBatch } from '../../../../worker/brokers/kafka/record-batch.ts'
import { decodeRecords } from '../../../../worker/brokers/kafka/records.ts'

const BODY_BYTES = 100_000

function partitionOf(order: Order = 'key'): Partition {
  const about = { topic: 'work', partition: 0, position: 0, metadata: null, delayMs: 0, reached: 0 }
  return new Partition({ ...about, order, maxSpan: 1_000, crashLimit: 3, reach: 10 })
}

/** Hands it a fetch of records with these keys, the first of which is the next of the partition. */
async function deliver(partition: Partition, keys: readonly (string | null)[]): Promise<void> {
  const offset = partition.next
  const records = keys.map((key) => ({
    key: key === null ? null : Buffer.from(key),
    value: Buffer.alloc(BODY_BYTES),
    headers: [],
  }))
  const bytes = encodeBatch(records, 0)
  bytes.writeBigInt64BE(BigInt(offset))
  const { batches, end } = await decodeRecords(bytes, [], async (_, compressed) => compressed)
  partition.deliver({ topic: 'work', partition: 0, error: 0, logEnd: end!, batches, end })
}

/** The next record, once the broker knows that one has begun here. */
function take(partition: Partition): Taken<LogRecord> | undefined {
  const taken = partition.take(0)
  if (taken !== undefined) return taken
  partition.committed(partition.commit()!)
  return partition.take(0)
}

const held = ({ record }: Taken<LogRecord>): number => record.value!.buffer.byteLength

test('records that outlive their fetch do not hold it, whether they run or wait for their key', async () => {
  const partition = partitionOf()
  await deliver(partition, ['a', 'a', 'b'])
  const first = take(partition)!
  assert.ok(held(first) > 3 * BODY_BYTES, 'copied before it was needed')
  const other = take(partition)!
  assert.deepEqual([first.offset, other.offset], [0, 2])
  assert.equal(partition.take(0), undefined, 'the second of key a waits')
  assert.ok(held(first) < 2 * BODY_BYTES)
  assert.ok(held(other) < 2 * BODY_BYTES)
  partition.finish(first)
  const blocked = take(partition)!
  assert.equal(blocked.offset, 1)
  assert.ok(held(blocked) < 2 * BODY_BYTES)
})

test('records that run when their partition is lost do not hold what was fetched', async () => {
  const partition = partitionOf()
  await deliver(partition, ['a', 'b', 'c'])
  const taken = take(partition)!
  partition.lose(new Error('lost'))
  assert.ok(held(taken) < 2 * BODY_BYTES)
  assert.equal(partition.isWaiting, false)
})

for (const order of ['key', 'partition', 'none'] as const) {
  test(`order ${order}: a record that is given back after a rebalance starts again, and those behind it do`, async () => {
    const partition = partitionOf(order)
    await deliver(partition, [null])
    const taken = take(partition)!
    partition.leave()
    partition.committed(partition.commit()!)
    partition.stay()
    assert.ok(partition.giveBack(taken))
    await deliver(partition, [null])
    const again = take(partition)!
    assert.equal(again.offset, 0)
    partition.finish(again)
    assert.equal(take(partition)?.offset, 1)
  })
}
