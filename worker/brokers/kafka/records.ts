import { LogRecord } from './record.ts'

/** A transaction whose records must not be seen. */
export interface Aborted {
  readonly producerId: bigint
  readonly firstOffset: number
}

/** What a partition's answer to a fetch holds. */
export interface RecordSet {
  /** Rising by offset; without control records and those of aborted transactions. */
  readonly batches: readonly RecordBatch[]
  /** 1 + the last offset that it covers, gaps included; undefined where it holds no whole batch. */
  readonly end: number | undefined
}

/** Records that were fetched together, decoded one by one when they are asked for: objects that wait cost more than bytes do. */
export class RecordBatch {
  readonly #body: Buffer
  readonly #firstOffset: number
  readonly #firstTimestamp: number
  readonly #appendTime: number | undefined
  #left: number
  #at = 0

  constructor(head: Pick<BatchHead, 'firstOffset' | 'firstTimestamp' | 'appendTime' | 'count'>, body: Buffer) {
    this.#body = body
    this.#firstOffset = head.firstOffset
    this.#firstTimestamp = head.firstTimestamp
    this.#appendTime = head.appendTime
    this.#left = head.count
  }

  /** Bytes of all its records. */
  get bytes(): number {
    return this.#body.length
  }

  /** The next record; undefined after the last. @throws RangeError where it is cut off */
  next(): LogRecord | undefined {
    if (this.#left === 0) return undefined
    const record = new LogRecord(this.#body, this.#at, this.#firstOffset, this.#firstTimestamp, this.#appendTime)
    this.#at = record.end
    this.#left--
    return record
  }
}

/** Undoes one compression. `type` is the codec's number in the protocol, from 1. */
export type Decompress = (type: number, bytes: Buffer) => Promise<Buffer>

const MAGIC = 2
/** From the base offset to the records: https://kafka.apache.org/documentation/#recordbatch */
const BATCH_HEAD_BYTES = 61
const LENGTH_AT = 8
const LENGTH_FROM = 12
const MAGIC_AT = 16
const ATTRIBUTES_AT = 21
const LAST_DELTA_AT = 23
const FIRST_TIMESTAMP_AT = 27
const MAX_TIMESTAMP_AT = 35
const PRODUCER_AT = 43
const COUNT_AT = 57
const CODEC = 0x07
const APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20
const ABORT_MARKER = 0

/**
 * Decodes the record batches of a fetch. The last one may be cut off and is then left for the next fetch.
 * Rejects with a SyntaxError where the bytes are no record batches of version 2, and with what `decompress` rejects with.
 */
export async function decodeRecords(
  bytes: Buffer,
  aborted: readonly Aborted[],
  decompress: Decompress,
): Promise<RecordSet> {
  const batches: RecordBatch[] = []
  const hidden = new Hidden(aborted)
  let end: number | undefined
  for (let at = 0; at + BATCH_HEAD_BYTES <= bytes.length; ) {
    const next = at + LENGTH_FROM + bytes.readInt32BE(at + LENGTH_AT)
    const magic = bytes.readInt8(at + MAGIC_AT)
    if (magic !== MAGIC) throw new SyntaxError(`expected record batches of version ${MAGIC}, got version ${magic}`)
    if (next > bytes.length) break
    if (next < at + BATCH_HEAD_BYTES) throw new SyntaxError('expected a record batch, got a length that is none')
    const batch = new BatchHead(bytes, at)
    if (!hidden.hides(batch)) {
      const codec = batch.attributes & CODEC
      const body = bytes.subarray(at + BATCH_HEAD_BYTES, next)
      if (batch.count > 0) batches.push(new RecordBatch(batch, codec === 0 ? body : await decompress(codec, body)))
    }
    end = batch.lastOffset + 1
    at = next
  }
  return { batches, end }
}

/** The fixed part of a record batch. */
class BatchHead {
  readonly firstOffset: number
  readonly lastOffset: number
  readonly attributes: number
  readonly firstTimestamp: number
  readonly count: number
  readonly #bytes: Buffer
  readonly #at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.#at = at
    this.firstOffset = int64(bytes, at)
    this.lastOffset = this.firstOffset + bytes.readInt32BE(at + LAST_DELTA_AT)
    this.attributes = bytes.readInt16BE(at + ATTRIBUTES_AT)
    this.firstTimestamp = int64(bytes, at + FIRST_TIMESTAMP_AT)
    this.count = bytes.readInt32BE(at + COUNT_AT)
  }

  get isControl(): boolean {
    return (this.attributes & CONTROL) !== 0
  }

  get isTransactional(): boolean {
    return (this.attributes & TRANSACTIONAL) !== 0
  }

  get producerId(): bigint {
    return this.#bytes.readBigInt64BE(this.#at + PRODUCER_AT)
  }

  /** The time that the broker wrote it, where that goes before the time of each record. */
  get appendTime(): number | undefined {
    return (this.attributes & APPEND_TIME) === 0 ? undefined : int64(this.#bytes, this.#at + MAX_TIMESTAMP_AT)
  }

  /** Of a control batch: how the transaction ended. */
  get marker(): number {
    const record = new LogRecord(this.#bytes, this.#at + BATCH_HEAD_BYTES, this.firstOffset, 0, undefined)
    return record.key?.readInt16BE(2) ?? -1
  }
}

/** Which batches must not be seen: markers, and what belongs to transactions that were aborted. */
class Hidden {
  readonly #coming: Aborted[]
  readonly #open = new Set<bigint>()

  constructor(aborted: readonly Aborted[]) {
    this.#coming = aborted.toSorted((one, other) => one.firstOffset - other.firstOffset)
  }

  hides(batch: BatchHead): boolean {
    while (this.#coming.length > 0 && this.#coming[0]!.firstOffset <= batch.lastOffset) {
      this.#open.add(this.#coming.shift()!.producerId)
    }
    if (batch.isControl) {
      if (this.#open.size > 0 && batch.marker === ABORT_MARKER) this.#open.delete(batch.producerId)
      return true
    }
    return this.#open.size > 0 && batch.isTransactional && this.#open.has(batch.producerId)
  }
}

/** A signed 64-bit integer as a number; exact up to 2^53. */
function int64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4)
}
