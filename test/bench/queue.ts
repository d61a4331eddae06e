import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib'
import { openBroker } from '../../worker/brokers/index.ts'
import { resolveBrokerSettings } from '../../worker/config.ts'
import { JOB_TYPE, type Scenario } from './scenarios.ts'

const BODY_BYTES = 200
const UNCONFIRMED = 1000
let opened = 0

/** The queue of one scenario: both contestants consume from it in turn. */
export class BenchQueue {
  readonly name: string
  readonly #url: string
  readonly #connection: ChannelModel
  readonly #channel: ConfirmChannel
  #published = 0

  private constructor(name: string, url: string, connection: ChannelModel, channel: ConfirmChannel) {
    this.name = name
    this.#url = url
    this.#connection = connection
    this.#channel = channel
  }

  /** Declares tidemill's topology around a queue of that type, empty. */
  static async open(url: string, type: Scenario['queueType']): Promise<BenchQueue> {
    // Never one that was there before: RabbitMQ 3.10 may fail when a quorum queue is declared right after one of its name was deleted.
    const name = `bench-${type}-${process.pid}-${opened++}`
    const broker = await openBroker(resolveBrokerSettings({ brokerUrl: url, queue: name }), () => {})
    const topology = broker.topology()
    await topology.apply()
    await topology.close()
    const connection = await connect(url)
    const channel = await connection.createConfirmChannel()
    if (type === 'classic') {
      await channel.deleteQueue(name)
      await channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'classic' } })
      await channel.bindQueue(name, `${name}.work`, name)
    }
    return new BenchQueue(name, url, connection, channel)
  }

  /** Publishes so many persistent messages of 200 bytes, as tidemill's producer does, and waits for their confirms. */
  async fill(count: number): Promise<void> {
    for (let sent = 0; sent < count; sent++) {
      const id = `job-${this.#published++}`
      const begin = `{"orderId":"${id}","note":"`
      const body = Buffer.from(`${begin}${'.'.repeat(BODY_BYTES - begin.length - 2)}"}`)
      this.#channel.publish(`${this.name}.work`, this.name, body, {
        persistent: true,
        messageId: id,
        type: JOB_TYPE,
        contentType: 'application/json',
        timestamp: Math.floor(Date.now() / 1000),
        headers: { 'tidemill-enqueued-at': Date.now() },
      })
      if (sent % UNCONFIRMED === UNCONFIRMED - 1) await this.#channel.waitForConfirms()
    }
    await this.#channel.waitForConfirms()
  }

  /** Rejects unless every message was acknowledged: a contestant that loses acknowledgements is no faster. */
  async expectEmpty(): Promise<void> {
    const { messageCount } = await this.#channel.checkQueue(this.name)
    if (messageCount > 0) throw new Error(`expected an empty queue after the run, got ${messageCount} messages`)
  }

  /** Removes the queue and what belongs to it. */
  async remove(): Promise<void> {
    const broker = await openBroker(resolveBrokerSettings({ brokerUrl: this.#url, queue: this.name }), () => {})
    const topology = broker.topology()
    const items = await topology.print()
    await topology.close()
    for (const { kind, name } of items) if (kind === 'queue') await this.#channel.deleteQueue(name)
    for (const { kind, name } of items) if (kind === 'exchange') await this.#channel.deleteExchange(name)
    await this.#channel.close()
    await this.#connection.close()
  }
}
