/** The name of a header to look for, and what one of that name said last: of most of them there are few values, which need no new text each. */
export class HeaderName {
  readonly bytes: Buffer
  #last = ''

  constructor(name: string) {
    this.bytes = Buffer.from(name)
  }

  /** True when it is what stands at that place. For a few bytes quicker than a call of the runtime's own. */
  stands(bytes: Buffer, at: number): boolean {
    const name = this.bytes
    for (let index = 0; index < name.length; index++) if (name[index] !== bytes[at + index]) return false
    return true
  }

  /** The value from `start` up to, without, `end` as text. */
  valueIn(bytes: Buffer, start: number, end: number): string {
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
