import { randomBytes } from 'node:crypto'
import type { Consumer, Kafka, KafkaMessage } from 'kafkajs'

const TIMEOUT_MS = 30_000

/** All records of a topic up to where it ends now. A group of its own reads them, and is removed then. */
export async function readTopic(kafka: Kafka, topic: string): Promise<KafkaMessage[]> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    const offsets = await admin.fetchTopicOffsets(topic)
    const filled = offsets.filter(({ high, low }) => BigInt(high) > BigInt(low))
    if (filled.length === 0) return []
    const groupId = `${topic}.reader-${randomBytes(4).toString('hex')}`
    const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100, allowAutoTopicCreation: false })
    try {
      const ends = new Map(filled.map(({ partition, high }) => [partition, BigInt(high)]))
      return await consumeUntil(consumer, topic, ends)
    } finally {
      await consumer.disconnect()
      // It committed nothing: newer brokers have forgotten it by now.
      await admin.deleteGroups([groupId]).catch(() => undefined)
    }
  } finally {
    await admin.disconnect()
  }
}

async function consumeUntil(consumer: Consumer, topic: string, ends: Map<number, bigint>): Promise<KafkaMessage[]> {
  const records: KafkaMessage[] = []
  const { promise: done, resolve, reject } = Promise.withResolvers<void>()
  const late = () => reject(new Error(`${topic}: partitions ${[...ends.keys()]} were not read in ${TIMEOUT_MS} ms`))
  const timer = setTimeout(late, TIMEOUT_MS)
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
    await consumer.run({
      autoCommit: false,
      async eachMessage({ partition, message }) {
        const end = ends.get(partition)
        if (end === undefined || BigInt(message.offset) >= end) return
        records.push(message)
        if (BigInt(message.offset) + 1n === end) ends.delete(partition)
        if (ends.size === 0) resolve()
      },
    })
    await done
    return records
  } finally {
    clearTimeout(timer)
  }
}
