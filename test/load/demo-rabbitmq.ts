import amqp from 'amqplib'
import type { TopologyItem } from '../../worker/contracts.ts'
import type { DemoRoom } from './demo-room.ts'

/** A queue of the demo on RabbitMQ. */
export class RabbitmqRoom implements DemoRoom {
  readonly #url: string
  readonly #queue: string

  constructor(url: string, queue: string) {
    this.#url = url
    this.#queue = queue
  }

  async deadIds(): Promise<string[]> {
    return this.#administer(async (channel) => {
      const ids: string[] = []
      for (;;) {
        // Not acknowledged: they go back when the channel closes.
        const letter = await channel.get(`${this.#queue}.dead`)
        if (letter === false) return ids
        ids.push(String(letter.properties.messageId))
      }
    })
  }

  async remove(items: readonly TopologyItem[]): Promise<void> {
    await this.#administer(async (channel) => {
      for (const { kind, name } of items) {
        if (kind === 'queue') await channel.deleteQueue(name)
        if (kind === 'exchange') await channel.deleteExchange(name)
      }
    })
  }

  async #administer<T>(work: (channel: amqp.Channel) => Promise<T>): Promise<T> {
    const connection = await amqp.connect(this.#url, { timeout: 10_000 })
    try {
      const channel = await connection.createChannel()
      const result = await work(channel)
      await channel.close()
      return result
    } finally {
      await connection.close()
    }
  }
}
