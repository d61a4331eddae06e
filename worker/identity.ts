import { createHash } from 'node:crypto'

/**
 * The id of a message that brought none: sha256 over the type, a zero byte and the body, as 64 hex digits.
 * Equal jobs get equal ids, and a redelivery gets the id that it had.
 */
export function deriveId(type: string, body: Uint8Array): string {
  return createHash('sha256').update(type).update('\0').update(body).digest('hex')
}
