const LENGTH_BYTES = 4
/** What Kafka takes by default in one request. */
const MAX_BYTES = 100 * 1024 * 1024

/** Puts together what comes in pieces: Kafka's requests and answers, each after its length. */
export class Frames {
  #parts: Buffer[] = []
  #size = 0
  /** Bytes until the first of them is whole. */
  #wanted = LENGTH_BYTES

  /** Takes a piece, and returns what is whole by it. @throws Error where that can't be Kafka's protocol */
  add(piece: Buffer): Buffer[] {
    this.#parts.push(piece)
    this.#size += piece.length
    const whole: Buffer[] = []
    while (this.#size >= this.#wanted) {
      const bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts)
      const length = bytes.readInt32BE(0)
      if (length < 0 || length > MAX_BYTES)
        throw new Error(`expected the length of a message of Kafka's, got ${length}`)
      const end = LENGTH_BYTES + length
      const isWhole = bytes.length >= end
      const rest = isWhole ? bytes.subarray(end) : bytes
      if (isWhole) whole.push(bytes.subarray(LENGTH_BYTES, end))
      this.#parts = [rest]
      this.#size = rest.length
      this.#wanted = isWhole ? LENGTH_BYTES : end
    }
    return whole
  }
}
