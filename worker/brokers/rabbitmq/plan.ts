import type { Channel } from 'amqplib'
import type { BrokerSettings, TopologyItem } from '../../contracts.ts'
import type { Names } from './names.ts'
import { hasUnlimitedDeliveries, type Version } from './version.ts'

/** One thing on the broker: what it is, how to declare it, how to ask for it. */
export interface Part {
  readonly item: TopologyItem
  declare(channel: Channel): Promise<unknown>
  /** Absent where AMQP has no question for it. */
  check?(channel: Channel): Promise<unknown>
}

type Args = Readonly<Record<string, string | number>>

/**
 * Everything that a queue needs, in the order of declaration. Without a version, what depends on it is left out.
 * Queues are quorum queues. Nothing is dropped: a full queue refuses, and dead-lettering is at least once.
 */
export function planOf(settings: BrokerSettings, names: Names, version?: Version): Part[] {
  const { workExchange, retryExchange, deadExchange, queue, suspects, dead } = names
  const { deliveryLimit, deadMaxLength, retryLadderMs } = settings
  const safety = { 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' }
  const work = { 'x-dead-letter-exchange': deadExchange, ...safety, 'x-delivery-limit': deliveryLimit }
  const full: Args = deadMaxLength === undefined ? {} : { 'x-max-length': deadMaxLength }
  const endless: Args = version !== undefined && hasUnlimitedDeliveries(version) ? { 'x-delivery-limit': -1 } : {}
  const parts = [
    exchangeOf(workExchange, 'direct', 'takes jobs from producers, and from the ladder when their wait is over'),
    exchangeOf(retryExchange, 'direct', 'takes jobs that are to be tried again, by their delay in milliseconds'),
    exchangeOf(deadExchange, 'fanout', 'takes jobs that are given up'),
    queueOf(dead, 'holds dead letters; refuses more when full (from RabbitMQ 4.0 on with x-delivery-limit -1)', {
      'x-overflow': 'reject-publish',
      ...full,
      ...endless,
    }),
    bindingOf(dead, deadExchange, '', 'brings dead letters'),
    queueOf(queue, 'holds the jobs', work),
    bindingOf(queue, workExchange, queue, 'brings jobs'),
    queueOf(suspects, 'holds jobs that came back too often; each runs alone', work),
    bindingOf(suspects, workExchange, suspects, 'brings suspects'),
  ]
  for (const delayMs of retryLadderMs) {
    const rung = names.rung(delayMs)
    parts.push(
      queueOf(rung, `holds jobs for ${delayMs} ms before their next try`, {
        'x-message-ttl': delayMs,
        'x-dead-letter-exchange': workExchange,
        'x-dead-letter-routing-key': queue,
        ...safety,
      }),
      bindingOf(rung, retryExchange, String(delayMs), `brings jobs that wait ${delayMs} ms`),
    )
  }
  return parts
}

function exchangeOf(name: string, type: 'direct' | 'fanout', purpose: string): Part {
  return {
    item: { kind: 'exchange', name, purpose, settings: { type, durable: true } },
    declare: (channel) => channel.assertExchange(name, type, { durable: true }),
    check: (channel) => channel.checkExchange(name),
  }
}

function queueOf(name: string, purpose: string, args: Args): Part {
  const settings = { 'x-queue-type': 'quorum', ...args }
  return {
    item: { kind: 'queue', name, purpose, settings: { durable: true, ...settings } },
    declare: (channel) => channel.assertQueue(name, { durable: true, arguments: settings }),
    check: (channel) => channel.checkQueue(name),
  }
}

function bindingOf(queue: string, exchange: string, key: string, purpose: string): Part {
  const name = `${exchange} -${key}-> ${queue}`
  return {
    item: { kind: 'binding', name, purpose, settings: { exchange, queue, routingKey: key } },
    declare: (channel) => channel.bindQueue(queue, exchange, key),
  }
}
