import type { MessageProperties, Options } from 'amqplib'
import type { Outcome } from '../../contracts.ts'
import { errorHeader } from '../wire.ts'
import { copiedHeaders, shortString, textOf } from './headers.ts'
import type { RabbitMessage } from './message.ts'
import { HEADER, type Names } from './names.ts'

/** A message to publish. */
export interface Copy {
  readonly exchange: string
  readonly routingKey: string
  readonly body: Buffer
  readonly options: Options.Publish
}

type Retry = Extract<Outcome, { kind: 'retry' }>
type Dead = Extract<Outcome, { kind: 'dead' }>
type Extra = Readonly<Record<string, string | number | undefined>>

/** The copy that waits on a rung of the ladder and then comes back to the work queue. */
export function retryCopy(message: RabbitMessage, { delayMs, reason, error, counted }: Retry, names: Names): Copy {
  return copyOf(message, names, names.retryExchange, String(delayMs), {
    [HEADER.attempt]: counted ? message.attempt + 1 : message.attempt,
    [HEADER.retryReason]: reason,
    [HEADER.retryError]: errorHeader(error),
    [HEADER.crashes]: undefined,
  })
}

/** The copy that rests in the dead-letter queue, under the routing key that the producer used. `now`: ms since the epoch. */
export function deadCopy(message: RabbitMessage, { reason, error }: Dead, names: Names, now: number): Copy {
  const { headers } = message.raw.properties
  const key = textOf(headers, HEADER.routingKey) ?? keyOf(message, names)
  return copyOf(message, names, names.deadExchange, shortString(key), {
    [HEADER.deadReason]: reason,
    [HEADER.deadError]: errorHeader(error),
    [HEADER.deadAt]: now,
    [HEADER.attempt]: message.attempt,
    [HEADER.crashes]: reason === 'crash-loop' ? message.crashes : undefined,
  })
}

/** The copy in the suspects queue. `crashes` is what the worker that takes it will believe. */
export function suspectCopy(message: RabbitMessage, crashes: number, names: Names): Copy {
  return copyOf(message, names, names.workExchange, names.suspects, { [HEADER.crashes]: crashes })
}

/** The copy at the end of the work queue, with a delivery count that starts anew. */
export function releaseCopy(message: RabbitMessage, names: Names): Copy {
  return copyOf(message, names, names.workExchange, names.queue, { [HEADER.crashes]: undefined })
}

function copyOf(message: RabbitMessage, names: Names, exchange: string, routingKey: string, extra: Extra): Copy {
  const { properties, content } = message.raw
  const headers = copiedHeaders(properties.headers)
  if (!isOurs(message, names)) {
    headers[HEADER.exchange] ??= message.raw.fields.exchange
    headers[HEADER.routingKey] ??= message.raw.fields.routingKey
  }
  for (const [name, value] of Object.entries(extra)) {
    if (value === undefined) delete headers[name]
    else headers[name] = value
  }
  return {
    exchange,
    routingKey,
    body: content,
    options: {
      headers,
      persistent: true,
      mandatory: true,
      ...textProperties(properties),
      ...(isOctet(properties.priority) ? { priority: properties.priority } : {}),
      ...(Number.isSafeInteger(properties.timestamp) ? { timestamp: properties.timestamp } : {}),
    },
  }
}

/** `expiration` and `userId` are left out: the first would end the wait, the second is checked against who publishes. */
const TEXT_PROPERTIES = [
  'contentType',
  'contentEncoding',
  'correlationId',
  'replyTo',
  'messageId',
  'type',
  'appId',
] as const

function textProperties(properties: MessageProperties): Options.Publish {
  const copy: Options.Publish = {}
  for (const name of TEXT_PROPERTIES) {
    const value: unknown = properties[name]
    if (typeof value === 'string') copy[name] = shortString(value)
  }
  return copy
}

function isOctet(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255
}

function isOurs(message: RabbitMessage, names: Names): boolean {
  const { exchange, routingKey } = message.raw.fields
  return exchange === names.workExchange && (routingKey === names.queue || routingKey === names.suspects)
}

function keyOf(message: RabbitMessage, names: Names): string {
  const { routingKey } = message.raw.fields
  return isOurs(message, names) ? names.queue : routingKey
}
