import type { TestContext } from 'node:test'
import type { Channel } from 'amqplib'
import { openConnection, queueFor, type TestQueue } from '../helpers/queue.ts'
import type { DeadLetter, Stage } from './stage.ts'

/** A queue of RabbitMQ with its retries, suspects and dead letters. */
export class RabbitmqStage implements Stage {
  readonly url: string
  /** What was made on the broker, with a connection for what a test does to it by hand. */
  readonly made: TestQueue
  readonly #t: TestContext
  #looking: Channel | undefined

  static async open(
    t: TestContext,
    broker: { readonly url: string; readonly managementUrl?: string | undefined },
  ): Promise<RabbitmqStage> {
    return new RabbitmqStage(t, broker.url, await queueFor(t, broker))
  }

  private constructor(t: TestContext, url: string, made: TestQueue) {
    this.#t = t
    this.url = url
    this.made = made
  }

  get queue(): string {
    return this.made.queue
  }

  async countDead(): Promise<number> {
    return this.#count(this.#dead)
  }

  async takeDead(): Promise<DeadLetter[]> {
    const channel = await this.#look()
    const taken: DeadLetter[] = []
    for (;;) {
      const message = await channel.get(this.#dead, { noAck: true })
      if (message === false) return taken
      const { properties, content } = message
      const { messageId, type, headers = {} } = properties
      taken.push({ id: String(messageId), type: String(type), body: content, headers })
    }
  }

  async left(): Promise<string[]> {
    const left: string[] = []
    for (const name of this.made.queues) {
      if (name === this.#dead) continue
      const count = await this.#count(name)
      if (count > 0) left.push(`${count} in ${name.slice(this.queue.length) || 'the work queue'}`)
    }
    return left
  }

  /** It keeps no books: a queue forgets what is settled. */
  async breaches(): Promise<string[]> {
    return []
  }

  /** A channel on a fresh connection: the fault may have taken the one that the queue came with. */
  async channel(): Promise<Channel> {
    return (await openConnection(this.#t, this.url)).createChannel()
  }

  get #dead(): string {
    return `${this.queue}.dead`
  }

  async #count(queue: string): Promise<number> {
    return (await (await this.#look()).checkQueue(queue)).messageCount
  }

  async #look(): Promise<Channel> {
    if (this.#looking !== undefined) return this.#looking
    const channel = await this.channel()
    channel.once('close', () => {
      this.#looking = undefined
    })
    return (this.#looking = channel)
  }
}
