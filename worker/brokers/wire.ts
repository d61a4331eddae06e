/** What messages look like on every broker: the names of tidemill's own headers, and bounds of what stands in them. */
export const HEADER = {
  /** The ordering key. */
  key: 'tidemill-key',
  /** When the producer enqueued the job, ms since the epoch. */
  enqueuedAt: 'tidemill-enqueued-at',
  /** The number of the coming try, from 2 on. */
  attempt: 'tidemill-attempt',
  retryReason: 'tidemill-retry-reason',
  retryError: 'tidemill-retry-error',
  deadReason: 'tidemill-dead-reason',
  deadError: 'tidemill-dead-error',
  /** ms since the epoch. */
  deadAt: 'tidemill-dead-at',
} as const

/** No count in a header is believed to be higher. */
export const MAX_COUNT = 1_000_000

const ERROR_BYTES = 2048

/** The text of an error as it stands in a header: at most 2,048 bytes of UTF-8. */
export function errorHeader(error: string | undefined): string | undefined {
  return error === undefined ? undefined : cutText(error, ERROR_BYTES)
}

/** A whole number, clamped to `min..max`; undefined where it is none. Numbers written as text count. */
export function integerIn(value: unknown, min: number, max: number): number | undefined {
  const number = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number)) return undefined
  return Math.min(max, Math.max(min, Math.trunc(number)))
}

/** The beginning of a text, of at most so many bytes of UTF-8, cut between characters. */
export function cutText(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return text
  const bytes = Buffer.from(text)
  let end = maxBytes
  // Bytes of the form 10xxxxxx continue a character.
  while ((bytes[end]! & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}
