import { cutText, integerIn } from '../wire.ts'

/** Headers as amqplib decoded them: an ordinary object, whose prototype a header named `__proto__` may have set. */
export type RawHeaders = Readonly<Record<string, unknown>>

const SHORT_STRING_BYTES = 255
/** amqplib encodes all headers of a message into one buffer of 64 KiB; the rest is for our own headers. */
const TABLE_BYTES = 48 * 1024
const MAX_DEPTH = 32

/**
 * What the broker wrote or acts on. Copied along, each of these did harm: a count that nobody counted, a queue that
 * was not meant, a refusal of the whole channel.
 */
const NOT_COPIED = /^(x-death|x-first-death-.*|x-last-death-.*|x-delivery-count|x-acquired-count|CC|BCC)$/

/** One header; undefined where there is none of its own. */
export function headerOf(headers: RawHeaders | undefined, name: string): unknown {
  return headers !== undefined && Object.hasOwn(headers, name) ? headers[name] : undefined
}

/** A header as text; undefined where there is none or it is no text and no number. */
export function textOf(headers: RawHeaders | undefined, name: string): string | undefined {
  const value = headerOf(headers, name)
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined
}

/** A header as a whole number, clamped to `min..max`; undefined where it is none. Numbers written as text count. */
export function integerOf(headers: RawHeaders | undefined, name: string, min: number, max: number): number | undefined {
  return integerIn(headerOf(headers, name), min, max)
}

/** All headers as text, in an object without a prototype: what handlers see. */
export function viewOf(headers: RawHeaders | undefined): Readonly<Record<string, string>> {
  const view: Record<string, string> = Object.create(null)
  if (headers !== undefined) for (const name of Object.keys(headers)) view[name] = asText(headers[name])
  return Object.freeze(view)
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value
  if (Buffer.isBuffer(value)) return value.toString('utf8')
  if (typeof value !== 'object' || value === null) return String(value)
  if (isTimestamp(value)) return String(value.value)
  try {
    return JSON.stringify(value)
  } catch {
    return '[unreadable]'
  }
}

/**
 * The headers for a copy of the message, in an object without a prototype: all but what the broker wrote or acts on,
 * and but what can't be written again (AMQP can carry values that amqplib reads and refuses to write; left in, one
 * such header would keep its job from ever being retried or dead-lettered).
 */
export function copiedHeaders(headers: RawHeaders | undefined): Record<string, unknown> {
  const copy: Record<string, unknown> = Object.create(null)
  if (headers === undefined) return copy
  let room = TABLE_BYTES
  for (const name of Object.keys(headers)) {
    if (NOT_COPIED.test(name)) continue
    const bytes = encodedBytes(headers[name], 0) + 1 + Buffer.byteLength(name)
    if (bytes > room || Buffer.byteLength(name) > SHORT_STRING_BYTES) continue
    room -= bytes
    copy[name] = headers[name]
  }
  return copy
}

/** How many bytes a value takes in a table, as amqplib writes it; infinitely many where it can't. */
function encodedBytes(value: unknown, depth: number): number {
  if (depth > MAX_DEPTH) return Number.POSITIVE_INFINITY
  if (typeof value === 'string') return 5 + Buffer.byteLength(value)
  if (typeof value === 'number') return isWritable(value) ? 9 : Number.POSITIVE_INFINITY
  if (typeof value === 'boolean' || value === null) return 2
  if (typeof value !== 'object') return Number.POSITIVE_INFINITY
  if (Buffer.isBuffer(value)) return 5 + value.length
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + encodedBytes(item, depth + 1), 5)
  if (Object.hasOwn(value, '!')) return isTimestamp(value) || isDecimal(value) ? 9 : Number.POSITIVE_INFINITY
  return tableBytes(value, depth)
}

function tableBytes(table: object, depth: number): number {
  let bytes = 5
  // amqplib writes inherited keys of a nested table too.
  for (const name in table) {
    const length = Buffer.byteLength(name)
    if (length > SHORT_STRING_BYTES) return Number.POSITIVE_INFINITY
    bytes += 1 + length + encodedBytes((table as Record<string, unknown>)[name], depth + 1)
  }
  return bytes
}

/** amqplib guesses how to write a number, and guesses wrong for these: NaN, very low ones, large ones with a fraction. */
function isWritable(value: number): boolean {
  return Number.isInteger(value) ? value >= -(2 ** 63) : Math.abs(value) < 2 ** 50
}

function isTimestamp(value: object): value is { '!': 'timestamp'; value: number } {
  if (!Object.hasOwn(value, '!') || !Object.hasOwn(value, 'value')) return false
  const { '!': type, value: seconds } = value as { '!': unknown; value: unknown }
  return type === 'timestamp' && Number.isSafeInteger(seconds) && (seconds as number) >= 0
}

function isDecimal(value: object): boolean {
  const { '!': type, value: parts } = value as { '!': unknown; value: unknown }
  if (type !== 'decimal' || typeof parts !== 'object' || parts === null) return false
  const { places, digits } = parts as { places: unknown; digits: unknown }
  return isBelow(places, 2 ** 8) && isBelow(digits, 2 ** 32)
}

function isBelow(value: unknown, bound: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < bound
}

/** A text that fits an AMQP short string: cut at 255 bytes of UTF-8, never within a character. */
export function shortString(text: string): string {
  return cutText(text, SHORT_STRING_BYTES)
}
