import type { Broker } from 'kafkajs'
import { ask } from './ask.ts'
import { type Content, encodeBatch } from './record-batch.ts'

/** The records for one partition, in order: stored together or not at all. */
export interface Batch {
  readonly topic: string
  readonly partition: number
  readonly records: readonly Content[]
}

/** What the broker says of one partition's batch. */
export interface Stored {
  readonly topic: string
  readonly partition: number
  /** 0, or an error code of the protocol: https://kafka.apache.org/protocol#protocol_error_codes */
  readonly error: number
}

const PRODUCE_KEY = 0
const PRODUCE_VERSION = 7
const ALL_REPLICAS = -1
const NETWORK_MS = 5_000
/** Of a partition's answer, behind its number and error: offset, time, start of the log. */
const REST_BYTES = 24

/**
 * Sends one request and waits until all in-sync replicas have what is in it, or the broker says why not. kafkajs's own way
 * tells nothing of the other partitions when one is refused, and can't write a header without a value.
 * Rejects when there is no answer.
 */
export function produce(broker: Broker, batches: readonly Batch[], timeoutMs: number): Promise<readonly Stored[]> {
  const buffer = encodeRequest(batches, timeoutMs, Date.now())
  // What kafkajs takes for one of its encoders.
  const encode = async () => ({ buf: buffer, buffer })
  const request = { apiKey: PRODUCE_KEY, apiVersion: PRODUCE_VERSION, apiName: 'Produce', encode }
  return ask(broker, request, decodeResponse, timeoutMs + NETWORK_MS)
}

function encodeRequest(batches: readonly Batch[], timeoutMs: number, now: number): Buffer {
  const head = Buffer.alloc(12)
  // No transaction.
  head.writeInt16BE(-1, 0)
  head.writeInt16BE(ALL_REPLICAS, 2)
  head.writeInt32BE(timeoutMs, 4)
  head.writeInt32BE(batches.length, 8)
  const parts: Buffer[] = [head]
  for (const { topic, partition, records } of batches) {
    const batch = encodeBatch(records, now)
    const name = Buffer.from(topic)
    const about = Buffer.alloc(2 + name.length + 12)
    about.writeInt16BE(name.length, 0)
    name.copy(about, 2)
    // A topic may stand more than once: each has one partition here.
    about.writeInt32BE(1, 2 + name.length)
    about.writeInt32BE(partition, 6 + name.length)
    about.writeInt32BE(batch.length, 10 + name.length)
    parts.push(about, batch)
  }
  return Buffer.concat(parts)
}

function decodeResponse(bytes: Buffer): Stored[] {
  const stored: Stored[] = []
  let at = 4
  for (let topics = bytes.readInt32BE(0); topics > 0; topics--) {
    const end = at + 2 + bytes.readInt16BE(at)
    const topic = bytes.toString('utf8', at + 2, end)
    at = end + 4
    for (let partitions = bytes.readInt32BE(end); partitions > 0; partitions--) {
      stored.push({ topic, partition: bytes.readInt32BE(at), error: bytes.readInt16BE(at + 4) })
      at += 6 + REST_BYTES
    }
  }
  return stored
}
