import kafkajs, { type Broker } from 'kafkajs'
import encodeFetch from 'kafkajs/src/protocol/requests/fetch/v11/request.js'
import { TidemillError } from '../../errors.ts'
import { ask } from './ask.ts'
import { type Aborted, decodeRecords, type RecordBatch } from './records.ts'

/** What is asked of one partition. */
export interface Wanted {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly maxBytes: number
}

export interface FetchLimits {
  readonly maxWaitMs: number
  readonly maxBytes: number
}

/** What one partition answered. */
export interface Fetched {
  readonly topic: string
  readonly partition: number
  /** 0, or an error code of the protocol: https://kafka.apache.org/protocol#protocol_error_codes */
  readonly error: number
  /** 1 + the highest offset that can be read. */
  readonly logEnd: number
  readonly batches: readonly RecordBatch[]
  /** 1 + the last offset that the answer covers; undefined where it holds nothing. */
  readonly end: number | undefined
}

const FETCH_KEY = 1
const FETCH_VERSION = 11
const READ_COMMITTED = 1
const CONSUMER = -1
const NETWORK_MS = 5_000
/** kafkajs's answer to a codec that nobody has registered. */
const NOT_IMPLEMENTED = 'KafkaJSNotImplemented'

/**
 * Fetches from one broker. kafkajs's own way decodes every offset into a BigInt and back, never gets past a batch that
 * compaction has emptied, and holds all that it has fetched in memory; so only its connection and its request are used.
 * Rejects with `UNREADABLE` where records can't be decoded.
 */
export async function fetchFrom(
  broker: Broker,
  wanted: readonly Wanted[],
  limits: FetchLimits,
): Promise<readonly Fetched[]> {
  const { versions } = broker as unknown as BrokerInside
  if ((versions?.[FETCH_KEY]?.maxVersion ?? 0) < FETCH_VERSION) {
    throw new TidemillError(
      'UNREADABLE',
      `expected a broker that answers Fetch ${FETCH_VERSION} (Kafka 2.3), got an older one`,
    )
  }
  const request = encodeFetch({
    replicaId: CONSUMER,
    maxWaitTime: limits.maxWaitMs,
    minBytes: 1,
    maxBytes: limits.maxBytes,
    isolationLevel: READ_COMMITTED,
    topics: byTopic(wanted),
  })
  const answer = await ask(broker, request, (bytes) => new Answer(bytes), limits.maxWaitMs + NETWORK_MS)
  const partitions: Fetched[] = []
  for (const { bytes, aborted, ...about } of answer.partitions) {
    const { topic, partition } = about
    const { batches, end } = await decodeRecords(bytes, aborted, decompress).catch((cause) => {
      throw new TidemillError('UNREADABLE', `${topic}[${partition}]: ${cause.message}`, { cause })
    })
    partitions.push({ ...about, batches, end })
  }
  return partitions
}

/** What kafkajs's brokers have besides what its types say. */
interface BrokerInside {
  readonly versions: Readonly<Record<number, { readonly maxVersion: number }>> | null
}

/** A topic may stand more than once, so the order of the partitions stays as it is asked for. */
function byTopic(wanted: readonly Wanted[]) {
  const topics: { topic: string; partitions: { partition: number; fetchOffset: string; maxBytes: number }[] }[] = []
  for (const { topic, partition, offset, maxBytes } of wanted) {
    const last = topics.at(-1)
    const one = { partition, fetchOffset: String(offset), maxBytes }
    if (last?.topic === topic) last.partitions.push(one)
    else topics.push({ topic, partitions: [one] })
  }
  return topics
}

async function decompress(type: number, bytes: Buffer): Promise<Buffer> {
  const codec = kafkajs.CompressionCodecs[type as keyof typeof kafkajs.CompressionCodecs] as Codec | undefined
  if (codec === undefined) throw new TypeError(`expected a compression of 0 to 4, got ${type}`)
  try {
    return await codec().decompress(bytes)
  } catch (error) {
    if ((error as Error).name !== NOT_IMPLEMENTED) throw error
    throw new TypeError(`the codec for compression ${type} is not there`, { cause: error })
  }
}

type Codec = () => { decompress(bytes: Buffer): Promise<Buffer> }

interface Part extends Omit<Fetched, 'batches' | 'end'> {
  readonly aborted: readonly Aborted[]
  readonly bytes: Buffer
}

/** The body of a Fetch response of version 11: https://kafka.apache.org/protocol#The_Messages_Fetch */
class Answer {
  /** How long the broker asks us not to ask again; kafkajs sees to it. */
  readonly clientSideThrottleTime: number
  readonly partitions: Part[] = []
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.clientSideThrottleTime = this.#int32()
    // Error and session: we ask for no session.
    this.#at += 6
    for (let topics = this.#int32(); topics > 0; topics--) {
      const topic = this.#string()
      for (let left = this.#int32(); left > 0; left--) this.partitions.push(this.#part(topic))
    }
  }

  #part(topic: string): Part {
    const partition = this.#int32()
    const error = this.#int16()
    this.#at += 8
    // A transaction that is open ends what can be read.
    const logEnd = this.#int64()
    this.#at += 8
    const aborted: Aborted[] = []
    for (let left = this.#int32(); left > 0; left--) {
      const producerId = this.#bytes.readBigInt64BE(this.#at)
      this.#at += 8
      aborted.push({ producerId, firstOffset: this.#int64() })
    }
    this.#at += 4
    const length = Math.max(0, this.#int32())
    const bytes = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return { topic, partition, error, logEnd, aborted, bytes }
  }

  #int16(): number {
    this.#at += 2
    return this.#bytes.readInt16BE(this.#at - 2)
  }

  #int32(): number {
    this.#at += 4
    return this.#bytes.readInt32BE(this.#at - 4)
  }

  #int64(): number {
    const high = this.#int32()
    this.#at += 4
    return high * 2 ** 32 + this.#bytes.readUInt32BE(this.#at - 4)
  }

  #string(): string {
    const length = this.#int16()
    this.#at += length
    return this.#bytes.toString('utf8', this.#at - length, this.#at)
  }
}
