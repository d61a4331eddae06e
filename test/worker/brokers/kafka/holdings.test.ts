import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Holdings } from '../../../../worker/brokers/kafka/holdings.ts'
import { topicsOf } from '../../../../worker/brokers/kafka/names.ts'
import { encodeBatch } from '../../../../worker/brokers/kafka/record-batch.ts'
import { decodeRecords } from '../../../../worker/brokers/kafka/records.ts'
import { Schedule } from '../../../../worker/brokers/kafka/schedule.ts'
import { SETTINGS } from '../../../conformance/harness.ts'

const MIB = 1024 * 1024
const QUIET_BYTES = 64 * 1024
const FETCH_BYTES = 8 * MIB
const RUNGS = [1_000, 2_000, 3_000, 4_000, 5_000, 6_000]

/** A work topic and six of retries, of four partitions each, that all begin at 0. */
function holdingsOf() {
  const settings = {
    ...SETTINGS,
    brokerUrl: 'kafka://localhost',
    queue: 'work',
    fetchBytes: FETCH_BYTES,
    retryLadderMs: RUNGS,
  }
  const topics = topicsOf('work', RUNGS)
  const schedule = new Schedule(1_000_000)
  const holdings = new Holdings({ settings, topics, schedule, observe() {} })
  const starts = [topics.work, ...topics.retries.values()].flatMap((topic) =>
    [0, 1, 2, 3].map((partition) => ({ topic, partition, position: 0, metadata: null })),
  )
  holdings.started(starts)
  return { holdings, schedule }
}

const isWork = ({ topic }: { readonly topic: string }): boolean => topic === 'work'

/** Answers the fetch of a partition with nothing, or with a record of so many bytes. */
async function answer({ holdings }: ReturnType<typeof holdingsOf>, topic: string, partition: number, bytes: number) {
  const one = holdings.find({ topic, partition })!
  const about = { topic, partition, error: 0 }
  if (bytes === 0) return one.deliver({ ...about, logEnd: one.next, batches: [], end: undefined })
  const batch = encodeBatch([{ key: null, value: Buffer.alloc(bytes), headers: [] }], 0)
  batch.writeBigInt64BE(BigInt(one.next))
  const { batches, end } = await decodeRecords(batch, [], async (_, compressed) => compressed)
  one.deliver({ ...about, logEnd: end!, batches, end })
}

test('before anything is known all partitions share what may be fetched ahead', () => {
  const { holdings } = holdingsOf()
  const wanted = holdings.wanted()
  assert.equal(wanted.length, 28)
  for (const { maxBytes } of wanted) assert.equal(maxBytes, Math.ceil(FETCH_BYTES / 28))
})

test('topics of retries that hold nothing leave theirs to the work, but for a little to begin with', async () => {
  const room = holdingsOf()
  const { holdings } = room
  for (const { topic, partition } of holdings.wanted()) {
    await answer(room, topic, partition, isWork({ topic }) ? 1_000 : 0)
  }
  const wanted = holdings.wanted()
  assert.deepEqual(
    [...new Set(wanted.filter(isWork).map(({ maxBytes }) => maxBytes))],
    [MIB],
    'as much as one fetch may bring',
  )
  for (const one of wanted) if (!isWork(one)) assert.equal(one.maxBytes, QUIET_BYTES)
})

test('a retry that comes back makes its partition one that shares', async () => {
  const room = holdingsOf()
  const { holdings } = room
  for (const { topic, partition } of holdings.wanted()) await answer(room, topic, partition, 0)
  assert.ok(holdings.wanted().every(({ maxBytes }) => maxBytes === QUIET_BYTES))
  await answer(room, 'work.retry.1000', 2, 100)
  const [grown, ...others] = holdings.wanted().toSorted((one, other) => other.maxBytes - one.maxBytes)
  assert.deepEqual([grown?.topic, grown?.partition, grown?.maxBytes], ['work.retry.1000', 2, MIB])
  assert.ok(others.every(({ maxBytes }) => maxBytes === QUIET_BYTES))
})

test('a fetch waits for records until what the others hold will be half used, and no longer', async () => {
  const room = holdingsOf()
  const { holdings, schedule } = room
  const [big, small] = [1_200_000, 100]
  for (const { topic, partition } of holdings.wanted())
    await answer(room, topic, partition, isWork({ topic }) ? small : 0)
  assert.equal(holdings.lastsMs(0), Number.POSITIVE_INFINITY, 'all want more')
  for (const partition of [0, 1, 2, 3])
    for (let record = 0; record < 2; record++) await answer(room, 'work', partition, big)
  assert.ok(!holdings.wanted().some(isWork), 'the work has enough')
  assert.equal(holdings.lastsMs(1_000), 0, 'the pace is not known yet')
  assert.equal(holdings.lastsMs(1_100), Number.POSITIVE_INFINITY, 'nothing runs')
  for (const one of schedule.partitions) one.committed(one.commit()!)
  schedule.refresh()
  // The small ones first, then one of the big ones: of one partition, in a tenth of a second.
  for (let taken = 0; taken < 5; taken++) assert.ok(schedule.next(() => 0))
  const share = (FETCH_BYTES - 24 * QUIET_BYTES) / 4
  const left = big - share / 2
  const ms = holdings.lastsMs(1_200)
  assert.ok(Math.abs(ms - (left / (big + 2 * small)) * 100) < 1, `${ms} ms`)
})
