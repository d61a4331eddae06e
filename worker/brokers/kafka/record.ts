import type { HeaderName } from './header-name.ts'
import type { Header } from './headers.ts'

/** What a header says, as its `HeaderName` reads it. */
export type Picked = string | number | undefined

/**
 * One record of a log, decoded where it lies: key, value and headers are read when they are asked for. Until `detach`
 * it holds the bytes of the whole fetch that it came with.
 */
export class LogRecord {
  readonly offset: number
  /** ms since the epoch; when it was produced, or when the broker wrote it, as its topic says. */
  readonly timestamp: number
  #bytes: Buffer
  #keyAt: number
  readonly #keyBytes: number
  #valueAt: number
  readonly #valueBytes: number
  #end: number
  /** Bytes of it in its batch. */
  readonly size: number

  /** `at` is where the record begins in `bytes`. @throws RangeError where it is cut off */
  constructor(bytes: Buffer, at: number, firstOffset: number, firstTimestamp: number, appendTime: number | undefined) {
    const cursor = new Cursor(bytes, at)
    const length = cursor.varint()
    const end = cursor.at + length
    // One byte of attributes, which mean nothing yet.
    cursor.at += 1
    const timestampDelta = cursor.varint()
    this.offset = firstOffset + cursor.varint()
    this.timestamp = appendTime ?? firstTimestamp + timestampDelta
    this.#keyBytes = cursor.varint()
    this.#keyAt = cursor.at
    cursor.at += Math.max(0, this.#keyBytes)
    this.#valueBytes = cursor.varint()
    this.#valueAt = cursor.at
    this.#end = end
    this.#bytes = bytes
    this.size = end - at
    if (length < 0 || end > bytes.length || this.#valueAt + this.#valueBytes > end) {
      throw new RangeError(`expected a record of ${length} bytes, got ${bytes.length - at}`)
    }
  }

  /** Where the next record begins. */
  get end(): number {
    return this.#end
  }

  get key(): Buffer | null {
    return this.#keyBytes < 0 ? null : this.#bytes.subarray(this.#keyAt, this.#keyAt + this.#keyBytes)
  }

  /**
   * A number that equal keys have in common, and others hardly ever: FNV-1a, cut to the 30 bits of a small integer.
   * http://www.isthe.com/chongo/tech/comp/fnv/
   */
  get lane(): number | undefined {
    if (this.#keyBytes < 0) return undefined
    let hash = 0x811c9dc5
    const end = this.#keyAt + this.#keyBytes
    for (let at = this.#keyAt; at < end; at++) hash = Math.imul(hash ^ this.#bytes[at]!, 0x01000193)
    return (hash ^ (hash >>> 30)) & 0x3fffffff
  }

  get value(): Buffer | null {
    return this.#valueBytes < 0 ? null : this.#bytes.subarray(this.#valueAt, this.#valueAt + this.#valueBytes)
  }

  /**
   * The values of the headers of these names, as each is to be read, in one pass. Of a name that comes again the last one counts: who
   * adds one means to replace those before. Undefined where there is none or it has no value.
   * @throws RangeError where they are cut off
   */
  pick(names: readonly HeaderName[]): readonly Picked[] {
    const picked = new Array<Picked>(names.length)
    const bytes = this.#bytes
    const cursor = new Cursor(bytes, this.#headersAt)
    for (let left = cursor.varint(); left > 0; left--) {
      const nameBytes = cursor.varint()
      const nameAt = cursor.skip(nameBytes)
      const valueBytes = cursor.varint()
      const valueAt = cursor.skip(valueBytes)
      for (let which = 0; which < names.length; which++) {
        const name = names[which]!
        if (name.length !== nameBytes || !name.stands(bytes, nameAt)) continue
        picked[which] = valueBytes < 0 ? undefined : name.valueIn(bytes, valueAt, valueAt + valueBytes)
      }
    }
    return picked
  }

  /** In order. @throws RangeError where they are cut off */
  get headers(): readonly Header[] {
    const cursor = new Cursor(this.#bytes, this.#headersAt)
    const headers: Header[] = []
    for (let left = cursor.varint(); left > 0; left--) {
      headers.push([cursor.bytes()?.toString('utf8') ?? '', cursor.bytes()])
    }
    return headers
  }

  get #headersAt(): number {
    return this.#valueAt + Math.max(0, this.#valueBytes)
  }

  /** Copies what belongs to it, so that the rest of the fetch can go while it is at work. False: it was copied before. */
  detach(): boolean {
    const from = this.#keyAt
    if (from === 0) return false
    const copy = Buffer.allocUnsafe(this.#end - from)
    this.#bytes.copy(copy, 0, from, this.#end)
    this.#bytes = copy
    this.#valueAt -= from
    this.#end -= from
    this.#keyAt = 0
    return true
  }
}

/** Reads zigzag varints, as protocol buffers have them. */
class Cursor {
  readonly #bytes: Buffer
  at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  /** A signed integer of up to 53 bits. */
  varint(): number {
    const first = this.#byte()
    if (first < 0x80) return (first >>> 1) ^ -(first & 1)
    let value = first & 0x7f
    for (let scale = 128; ; scale *= 128) {
      const byte = this.#byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) break
      if (scale > 2 ** 62) throw new RangeError('expected a varint, got one that does not end')
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  /** Bytes with their length before them; null for a length below 0. */
  bytes(): Buffer | null {
    const length = this.varint()
    const from = this.skip(length)
    return length < 0 ? null : this.#bytes.subarray(from, this.at)
  }

  /** Passes so many bytes, none below 0; where they began. */
  skip(length: number): number {
    const from = this.at
    if (length > 0) this.at += length
    if (this.at > this.#bytes.length) throw new RangeError(`expected ${length} bytes, got ${this.#bytes.length - from}`)
    return from
  }

  #byte(): number {
    const byte = this.#bytes[this.at++]
    if (byte === undefined) throw new RangeError('expected a byte, got the end')
    return byte
  }
}
