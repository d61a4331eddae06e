import amqp, { type ConfirmChannel, type Options } from 'amqplib'
import { openBroker } from '../../worker/brokers/index.ts'
import type { Broker, WorkerEvent } from '../../worker/contracts.ts'
import { sharedBroker } from '../helpers/broker.ts'
import { uniqueName } from '../helpers/queue.ts'
import { FaultProxy } from '../load/proxy.ts'
import { deferrer, type Harness, type RawMessage, SETTINGS, unlessUnreadable } from './harness.ts'
import { conformance } from './source-suite.ts'

const rabbitmq: Harness = {
  features: { durable: true, countsDeliveries: true, ordersByKey: false, separatesInFlight: true },
  async open(t, overrides = {}, { topology } = { topology: true }) {
    const { url, managementUrl } = await sharedBroker()
    const defer = deferrer(t)
    const proxy = await FaultProxy.start(url)
    defer(() => proxy.close())
    const queue = uniqueName('conformance')
    const settings = { ...SETTINGS, brokerUrl: proxy.through(url), queue, ...overrides }
    const events: WorkerEvent[] = []
    const broker = await openBroker(settings, (event) => events.push(event))
    const connection = await amqp.connect(url, { timeout: 10_000 })
    defer(() => connection.close())
    const channel = await connection.createConfirmChannel()
    defer(() => removeAll(broker, channel))
    // Figures of AMQP are exact and those of the management API half a second old, but it alone knows what is unsettled.
    const watched = (await openBroker({ ...settings, brokerUrl: url, managementUrl }, () => {})).backlog()
    defer(() => watched.close())
    if (topology) {
      const applied = broker.topology()
      await applied.apply()
      await applied.close()
    }
    return {
      broker,
      settings,
      events,
      publish: (message) => publish(channel, queue, message),
      dead: () => drain(channel, `${queue}.dead`),
      breakConnection: async () => {
        proxy.cut()
      },
      // A queue that was just made has no figures there: that is no 0.
      unacknowledged: async () => (await watched.read().catch(unlessUnreadable)).unacknowledged ?? -1,
      defer,
    }
  },
}

conformance('the RabbitMQ broker', rabbitmq)

async function removeAll(broker: Broker, channel: ConfirmChannel): Promise<void> {
  const topology = broker.topology()
  const items = await topology.print()
  await topology.close()
  for (const { kind, name } of items) {
    if (kind === 'queue') await channel.deleteQueue(name)
    if (kind === 'exchange') await channel.deleteExchange(name)
  }
}

async function publish(channel: ConfirmChannel, queue: string, message: RawMessage): Promise<void> {
  const { headers, body, ...properties } = message
  const options = { persistent: true, headers: { ...headers }, ...properties } as Options.Publish
  channel.publish(`${queue}.work`, queue, Buffer.from(body), options)
  await channel.waitForConfirms()
}

async function drain(channel: ConfirmChannel, queue: string): Promise<RawMessage[]> {
  const messages: RawMessage[] = []
  for (;;) {
    const got = await channel.get(queue, { noAck: true })
    if (got === false) return messages
    const { messageId, type, contentType, contentEncoding, headers } = got.properties
    messages.push({ messageId, type, contentType, contentEncoding, headers: headers ?? {}, body: got.content })
  }
}
