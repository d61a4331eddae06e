import type { TestContext } from 'node:test'
import type { ConfirmChannel, Options } from 'amqplib'
import { openRabbitMq } from '../../../../worker/brokers/rabbitmq/index.ts'
import { type Names, namesOf } from '../../../../worker/brokers/rabbitmq/names.ts'
import type { BrokerSettings, WorkerEvent } from '../../../../worker/contracts.ts'
import { deferrer, Feed, type RawMessage, type Room, send } from '../../../conformance/harness.ts'
import { sharedBroker } from '../../../helpers/broker.ts'
import { queueFor } from '../../../helpers/queue.ts'

/** A queue on the shared broker, seen from the worker's side and from behind its back. */
export interface RabbitRoom extends Room {
  readonly names: Names
  readonly url: string
  /** For what the test does by hand. */
  readonly channel: ConfirmChannel
  readonly events: WorkerEvent[]
  /** Every event of this name so far. */
  told<N extends WorkerEvent['name']>(name: N): Extract<WorkerEvent, { name: N }>[]
  send(...ids: string[]): Promise<void>
  feed(): Feed
}

/** Short waits, two rungs. `via` changes the URL, to go through a proxy. */
export async function roomFor(
  t: TestContext,
  overrides: Partial<BrokerSettings> = {},
  via: (url: string) => string = (url) => url,
): Promise<RabbitRoom> {
  const { url, managementUrl } = await sharedBroker()
  const quick = { concurrency: 4, suspectsPollMs: 100, heartbeatMs: 15_000, settlePauseMs: 150, ...overrides }
  const { settings: direct, connection } = await queueFor(t, { url }, quick)
  const channel = await connection.createConfirmChannel()
  const settings = { ...direct, brokerUrl: via(url), managementUrl: overrides.managementUrl ?? undefined }
  const names = namesOf(settings.queue)
  const events: WorkerEvent[] = []
  const broker = openRabbitMq(settings, (event) => events.push(event))
  const defer = deferrer(t)
  const watched = openRabbitMq({ ...direct, managementUrl }, () => undefined).backlog()
  defer(() => watched.close())
  const room: RabbitRoom = {
    broker,
    settings,
    names,
    url,
    channel,
    events,
    told: <N extends WorkerEvent['name']>(name: N) =>
      events.filter((event): event is Extract<WorkerEvent, { name: N }> => event.name === name),
    send: (...ids) => send(room, ...ids),
    feed: () => new Feed(room),
    publish: (message) => publish(channel, names.workExchange, names.queue, message as Options.Publish & RawMessage),
    dead: () => takeAll(channel, names.dead),
    breakConnection: () => Promise.reject(new Error('this room has no proxy of its own')),
    unacknowledged: async () => (await watched.read().catch(() => undefined))?.unacknowledged,
    defer,
  }
  return room
}

/** Publishes by hand and waits for the confirm. */
export async function publish(
  channel: ConfirmChannel,
  exchange: string,
  routingKey: string,
  { headers, body, ...properties }: RawMessage & Options.Publish,
): Promise<void> {
  const options = { persistent: true, headers: { ...headers }, ...properties } as Options.Publish
  channel.publish(exchange, routingKey, Buffer.from(body), options)
  await channel.waitForConfirms()
}

async function takeAll(channel: ConfirmChannel, queue: string): Promise<RawMessage[]> {
  const messages: RawMessage[] = []
  for (;;) {
    const got = await channel.get(queue, { noAck: true })
    if (got === false) return messages
    messages.push({ ...got.properties, headers: got.properties.headers ?? {}, body: got.content })
  }
}
