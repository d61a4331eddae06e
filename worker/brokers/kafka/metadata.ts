import { crc32 } from 'node:zlib'

/** What a broker takes as a commit's metadata, by default (`offset.metadata.max.bytes`). The text is ASCII: a byte a character. */
export const METADATA_BYTES = 4096

/** Names the writer and the version of the format; what begins otherwise is somebody else's. */
const TAG = 'tm1:'
const FAMILY = /^tm\d+:/
const CHECKSUM_BYTES = 4
/** Checksum, flags, beginnings, end, named offset, starts: each number at its widest, a varint of 2^53. */
const HEAD_BYTES = CHECKSUM_BYTES + 1 + 4 * 8
const ISOLATED = 1
const END = 2
const NAMED = 4

/** Offsets from `start` up to, without, `end`. */
export interface Run {
  readonly start: number
  readonly end: number
}

/** What the crash watch leaves to the partition's next owner. See crash-watch.ts for what follows from it. */
export interface Marks {
  /** Owners in a row that began at this watermark and have not left it cleanly, the writer included. */
  readonly beginnings: number
  /** True while records run one by one. */
  readonly isolated: boolean
  /** Isolated: where that ends. Else: no owner that began at this watermark has started a record at or past it. */
  readonly end: number | undefined
  /** The record that runs alone now, and how many starts of it, this one included, were not seen to end. */
  readonly named: { readonly offset: number; readonly starts: number } | undefined
}

export const NO_MARKS: Marks = { beginnings: 0, isolated: false, end: undefined, named: undefined }

/** What a commit says besides its offset. */
export interface CommitState {
  /** Finished offsets at or past the commit's, as rising runs that do not touch. */
  readonly finished: readonly Run[]
  readonly marks: Marks
}

export interface Encoded {
  readonly text: string
  /** Runs that did not fit, the highest ones: their records will run again. */
  readonly forgotten: number
}

/**
 * `foreign`: written by another tool. `version`: another version of this format. `damaged`: of this format, but not as
 * it was written, or written for another offset.
 */
export type MetadataFault = 'foreign' | 'version' | 'damaged'

export interface Decoded extends CommitState {
  /** Set when there was something that could not be used; the state is then that of no metadata at all. */
  readonly fault: MetadataFault | undefined
}

/**
 * The metadata of a commit at `position`: `tm1:` and, in base64url, a CRC-32 of position and payload (4 bytes), then
 * flags, beginnings, end, named record, and pairs of gap and length of the finished runs, as LEB128 varints relative
 * to the position or to the run before.
 *
 * Never longer than `limit` characters: what does not fit of the finished runs is forgotten from the top. Forgetting
 * makes a record run again; claiming too much would lose it.
 */
export function encode(position: number, { finished, marks }: CommitState, limit = METADATA_BYTES): Encoded {
  const room = bytesWithin(limit)
  const bytes: number[] = [0, 0, 0, 0]
  const { beginnings, isolated, end } = marks
  // One that lies behind would be read as the one at the position, which nobody has named.
  const named = marks.named !== undefined && marks.named.offset >= position ? marks.named : undefined
  bytes.push((isolated ? ISOLATED : 0) | (end === undefined ? 0 : END) | (named === undefined ? 0 : NAMED))
  push(bytes, beginnings)
  if (end !== undefined) push(bytes, Math.max(0, end - position))
  if (named !== undefined) {
    push(bytes, named.offset - position)
    push(bytes, named.starts)
  }
  let kept = 0
  let reached = position
  for (const { start, end: stop } of finished) {
    const length = bytes.length
    push(bytes, start - reached)
    push(bytes, stop - start)
    if (bytes.length > room) {
      bytes.length = length
      break
    }
    reached = stop
    kept++
  }
  const buffer = Buffer.from(bytes)
  buffer.writeUInt32BE(checksum(position, buffer))
  return { text: TAG + buffer.toString('base64url'), forgotten: finished.length - kept }
}

/** What `text`, committed with `position`, says. Never throws: what can't be trusted counts as nothing known. */
export function decode(position: number, text: string | null | undefined): Decoded {
  if (text === null || text === undefined || text === '') return unknown(undefined)
  if (!text.startsWith(TAG)) return unknown(FAMILY.test(text) ? 'version' : 'foreign')
  const buffer = Buffer.from(text.slice(TAG.length), 'base64url')
  if (buffer.length <= CHECKSUM_BYTES || buffer.readUInt32BE() !== checksum(position, buffer)) return unknown('damaged')
  return parse(position, buffer) ?? unknown('damaged')
}

/**
 * An upper bound, in constant time, of the length of the metadata of `runs` runs within `span` offsets past the
 * position. Gaps and lengths sum up to the span, so at most span / 128^k of the two a run need a (k+1)th byte.
 */
export function lengthBound(runs: number, span: number): number {
  let bytes = HEAD_BYTES + 2 * runs
  for (let rest = Math.floor(span / 128); rest > 0; rest = Math.floor(rest / 128)) bytes += Math.min(rest, 2 * runs)
  return TAG.length + Math.ceil((bytes * 4) / 3)
}

function parse(position: number, buffer: Buffer): Decoded | undefined {
  const reader = new Reader(buffer, CHECKSUM_BYTES)
  const flags = reader.next()
  const beginnings = reader.next()
  const end = flags & END ? position + reader.next() : undefined
  const named = flags & NAMED ? { offset: position + reader.next(), starts: reader.next() } : undefined
  const finished: Run[] = []
  let reached = position
  while (reader.more) {
    const start = reached + reader.next()
    const stop = start + reader.next()
    if (!(stop > start) || (finished.length > 0 && start === reached)) return undefined
    finished.push({ start, end: stop })
    reached = stop
  }
  const numbers = [beginnings, end ?? 0, named?.offset ?? 0, named?.starts ?? 0, reached]
  if (flags > (ISOLATED | END | NAMED) || !numbers.every(Number.isSafeInteger)) return undefined
  return { finished, marks: { beginnings, isolated: (flags & ISOLATED) !== 0, end, named }, fault: undefined }
}

function unknown(fault: MetadataFault | undefined): Decoded {
  return { finished: [], marks: NO_MARKS, fault }
}

function bytesWithin(limit: number): number {
  return Math.floor(((limit - TAG.length) * 3) / 4)
}

/** Bound to the position too: a tool that moves the offset and keeps the metadata would make it lie. */
function checksum(position: number, buffer: Buffer): number {
  return crc32(buffer.subarray(CHECKSUM_BYTES), crc32(String(position)))
}

/** Appends an integer from 0 to 2^53 - 1 as an unsigned LEB128 varint. Bit operators would cut it to 32 bits. */
function push(bytes: number[], value: number): void {
  let rest = value
  while (rest >= 128) {
    bytes.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
}

/** Reads what `push` wrote. Past the end, and for a number too wide, it reads NaN. */
class Reader {
  readonly #buffer: Buffer
  #at: number

  constructor(buffer: Buffer, at: number) {
    this.#buffer = buffer
    this.#at = at
  }

  get more(): boolean {
    return this.#at < this.#buffer.length
  }

  next(): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = this.#buffer[this.#at++]
      if (byte === undefined) return Number.NaN
      value += (byte % 128) * scale
      if (byte < 128) return value
    }
    return Number.NaN
  }
}
