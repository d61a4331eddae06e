/** How a value is to be read: as text, as a number where it is decimal digits (else as text), or whether there is any. */
export type Reading = 'text' | 'digits' | 'presence'

/** The most digits that a number surely holds. */
const DIGITS = 15
const ZERO = 0x30
const SOME = 'some'

/** The name of a header to look for, and what one of that name said last: of most of them there are few values, which need no new text each. */
export class HeaderName {
  readonly bytes: Buffer
  readonly length: number
  readonly #reading: Reading
  #last = ''

  constructor(name: string, reading: Reading = 'text') {
    this.bytes = Buffer.from(name)
    this.length = this.bytes.length
    this.#reading = reading
  }

  /** True when it is what stands at that place. For a few bytes quicker than a call of the runtime's own. */
  stands(bytes: Buffer, at: number): boolean {
    const name = this.bytes
    for (let index = 0; index < this.length; index++) if (name[index] !== bytes[at + index]) return false
    return true
  }

  /** The value from `start` up to, without, `end`; an empty one is an empty text. */
  valueIn(bytes: Buffer, start: number, end: number): string | number {
    if (this.#reading === 'presence') return end > start ? SOME : ''
    if (this.#reading === 'digits' && end > start && end - start <= DIGITS) {
      let number = 0
      for (let at = start; at < end; at++) {
        const digit = bytes[at]! - ZERO
        if (digit < 0 || digit > 9) return bytes.toString('utf8', start, end)
        number = number * 10 + digit
      }
      return number
    }
    return this.#textIn(bytes, start, end)
  }

  #textIn(bytes: Buffer, start: number, end: number): string {
    const last = this.#last
    if (last.length !== end - start) return (this.#last = bytes.toString('utf8', start, end))
    for (let index = 0; index < last.length; index++) {
      const code = last.charCodeAt(index)
      // Beyond ASCII bytes and characters are not the same.
      if (code !== bytes[start + index] || code > 0x7f) return (this.#last = bytes.toString('utf8', start, end))
    }
    return last
  }
}
