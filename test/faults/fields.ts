/** Reads what Kafka's protocol is made of, one field after the other. https://kafka.apache.org/protocol#protocol_types */
export class Fields {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  int16(): number {
    this.#at += 2
    return this.#bytes.readInt16BE(this.#at - 2)
  }

  int32(): number {
    this.#at += 4
    return this.#bytes.readInt32BE(this.#at - 4)
  }

  int64(): number {
    this.#at += 8
    return Number(this.#bytes.readBigInt64BE(this.#at - 8))
  }

  /** STRING or NULLABLE_STRING; null is empty. */
  string(): string {
    return this.#take(this.int16()).toString()
  }

  compactString(): string {
    let length = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes.readUInt8(this.#at++)
      length += (byte % 128) * scale
      if (byte < 128) return this.#take(length - 1).toString()
    }
  }

  /** BYTES. */
  bytes(): Buffer {
    return this.#take(this.int32())
  }

  array<T>(read: () => T): T[] {
    return Array.from({ length: this.int32() }, read)
  }

  #take(length: number): Buffer {
    const from = this.#at
    const end = from + Math.max(0, length)
    if (end > this.#bytes.length)
      throw new Error(`expected ${length} bytes at ${from}, got ${this.#bytes.length - from}`)
    this.#at = end
    return this.#bytes.subarray(from, end)
  }
}
