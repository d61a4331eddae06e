import crc32c from 'kafkajs/src/protocol/recordBatch/crc32C/index.js'
import type { Header } from './headers.ts'

/** What a record is made of. */
export interface Content {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly Header[]
}

/** Where the checksum stands, and what it covers begins. */
const CRC_AT = 17
const CRC_FROM = 21
const HEAD_BYTES = 61
const MAGIC = 2
const NONE = -1n

/** An upper bound of the bytes that a record takes in a batch. */
export function sizeBound({ key, value, headers }: Content): number {
  let bytes = 32 + (key?.length ?? 0) + (value?.length ?? 0)
  for (const [name, value] of headers) bytes += 10 + name.length * 3 + (value?.length ?? 0)
  return bytes
}

/**
 * A record batch of version 2, uncompressed, all of its records of one time (ms since the epoch), for the broker to give
 * offsets to. https://kafka.apache.org/documentation/#recordbatch
 */
export function encodeBatch(records: readonly Content[], timestamp: number): Buffer {
  let bound = HEAD_BYTES
  for (const record of records) bound += sizeBound(record)
  const writer = new Writer(Buffer.allocUnsafe(bound), HEAD_BYTES)
  for (let index = 0; index < records.length; index++) writer.record(records[index]!, index)
  const batch = writer.written
  batch.writeBigInt64BE(0n, 0)
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt32BE(-1, 12)
  batch.writeInt8(MAGIC, 16)
  batch.writeInt16BE(0, 21)
  batch.writeInt32BE(records.length - 1, 23)
  batch.writeBigInt64BE(BigInt(timestamp), 27)
  batch.writeBigInt64BE(BigInt(timestamp), 35)
  batch.writeBigInt64BE(NONE, 43)
  batch.writeInt16BE(-1, 51)
  batch.writeInt32BE(-1, 53)
  batch.writeInt32BE(records.length, 57)
  batch.writeUInt32BE(crc32c(batch.subarray(CRC_FROM)), CRC_AT)
  return batch
}

/** Writes records one behind the other. */
class Writer {
  readonly #buffer: Buffer
  #at: number

  constructor(buffer: Buffer, at: number) {
    this.#buffer = buffer
    this.#at = at
  }

  get written(): Buffer {
    return this.#buffer.subarray(0, this.#at)
  }

  record({ key, value, headers }: Content, offsetDelta: number): void {
    let body = 2 + sizeOfVarint(offsetDelta) + sizeOfBytes(key) + sizeOfBytes(value) + sizeOfVarint(headers.length)
    for (const [name, content] of headers) {
      const length = Buffer.byteLength(name)
      body += sizeOfVarint(length) + length + sizeOfBytes(content)
    }
    this.#varint(body)
    // No attributes, and no distance from the time of the batch.
    this.#buffer[this.#at++] = 0
    this.#buffer[this.#at++] = 0
    this.#varint(offsetDelta)
    this.#bytes(key)
    this.#bytes(value)
    this.#varint(headers.length)
    for (const [name, content] of headers) {
      this.#varint(Buffer.byteLength(name))
      this.#at += this.#buffer.write(name, this.#at)
      this.#bytes(content)
    }
  }

  #bytes(bytes: Buffer | null): void {
    this.#varint(bytes === null ? -1 : bytes.length)
    if (bytes !== null) this.#at += bytes.copy(this.#buffer, this.#at)
  }

  /** ZigZag and LEB128, of an integer of 31 bits. */
  #varint(value: number): void {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0
    while (rest >= 128) {
      this.#buffer[this.#at++] = (rest & 127) | 128
      rest >>>= 7
    }
    this.#buffer[this.#at++] = rest
  }
}

function sizeOfBytes(bytes: Buffer | null): number {
  return bytes === null ? 1 : sizeOfVarint(bytes.length) + bytes.length
}

function sizeOfVarint(value: number): number {
  const rest = ((value << 1) ^ (value >> 31)) >>> 0
  return rest < 128 ? 1 : Math.ceil((32 - Math.clz32(rest)) / 7)
}
