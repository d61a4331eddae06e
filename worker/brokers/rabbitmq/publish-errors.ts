import type { Message as RawMessage } from 'amqplib'
import { messageOf, TidemillError } from '../../errors.ts'
import type { Copy } from './copy.ts'

/** Nothing was written: there was no connection, or an alarm held it. */
export function notSent(blocked: boolean, patienceMs: number, cause: unknown): TidemillError {
  if (blocked) return new TidemillError('BLOCKED', `the broker took no messages for ${patienceMs} ms (an alarm)`)
  return new TidemillError(
    'CONNECTION_LOST',
    `there was no connection for ${patienceMs} ms; the message was not sent`,
    {
      cause,
    },
  )
}

/** Written and never answered: stored or not, nobody knows. */
export function undecided(waited: number | string, blocked = false): TidemillError {
  if (typeof waited === 'string') return new TidemillError('CONNECTION_LOST', waited)
  if (blocked) return new TidemillError('BLOCKED', `the broker took no messages for ${waited} ms (an alarm)`)
  return new TidemillError('CONFIRM_TIMEOUT', `expected a confirm within ${waited} ms, got none`)
}

/** A message that was written and may be returned. */
export interface Returnable {
  readonly copy: Copy
  returned: TidemillError | undefined
}

/**
 * A return names no message, and one of ours may look like another (the same id twice). All that look alike count as
 * returned: one that was routed after all is then sent twice, none is lost.
 */
export function markReturned(unconfirmed: Iterable<Returnable>, { fields, properties }: RawMessage): void {
  const { exchange, routingKey } = fields
  for (const pending of unconfirmed) {
    const { copy } = pending
    if (copy.routingKey !== routingKey || copy.exchange !== exchange) continue
    if (copy.options.messageId !== properties.messageId) continue
    const message = `no queue is bound to exchange ${exchange} with routing key ${routingKey}`
    pending.returned = new TidemillError('UNROUTABLE', message)
  }
}

/**
 * What a channel's end means for one unconfirmed message. A channel ends because of one message, and takes all with
 * it: the guilty ones are told why, the others that nobody knows.
 */
export function failureOf(reason: unknown, copy: Copy): TidemillError {
  const text = messageOf(reason)
  const guilty = text.includes(`exchange '${copy.exchange}'`)
  if (guilty && text.includes('NOT_FOUND')) {
    return new TidemillError('UNROUTABLE', `there is no exchange ${copy.exchange}`, { cause: reason })
  }
  if (guilty && text.includes('ACCESS_REFUSED')) {
    return new TidemillError('REFUSED', `no right to write to exchange ${copy.exchange}`, { cause: reason })
  }
  const size = /message size (\d+)/.exec(text)?.[1]
  if (size !== undefined && Number(size) === copy.body.length) {
    return new TidemillError('REFUSED', `the broker takes no message of ${size} bytes`, { cause: reason })
  }
  return new TidemillError('CONNECTION_LOST', 'the channel ended before the broker confirmed the message', {
    cause: reason,
  })
}
