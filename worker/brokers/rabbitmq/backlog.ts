import type { Channel } from 'amqplib'
import type { Backlog, BacklogReading, BrokerSettings } from '../../contracts.ts'
import { messageOf, TidemillError } from '../../errors.ts'
import { ignore, within } from '../waiting.ts'
import { dial, type Line } from './dial.ts'
import { ManagementApi } from './management.ts'
import { namesOf } from './names.ts'

/** What one queue holds. */
interface Depth {
  readonly ready: number
  readonly unacknowledged: number | undefined
  readonly consumers: number
  readonly published: number | undefined
}

/** A way of asking for one queue after another. */
interface Reader {
  readonly via: 'amqp' | 'management'
  depth(queue: string): Promise<Depth>
  close(): Promise<void>
}

/**
 * The backlog of a queue: from the management API where `managementUrl` is set (it alone knows what is unacknowledged
 * and how much was ever published), else by passive declarations over AMQP, on a connection that is kept.
 */
export class RabbitBacklog implements Backlog {
  readonly #settings: BrokerSettings
  readonly #reader: Reader

  constructor(settings: BrokerSettings) {
    this.#settings = settings
    this.#reader = settings.managementUrl === undefined ? new AmqpReader(settings) : new ManagementReader(settings)
  }

  /** Rejects with `BACKLOG_UNREADABLE` where any of the queues can't be read. */
  async read(): Promise<BacklogReading> {
    const { retryLadderMs } = this.#settings
    const names = namesOf(this.#settings.queue)
    try {
      const queues = [names.queue, names.suspects, names.dead, ...retryLadderMs.map(names.rung)]
      const [work, suspects, dead, ...rungs] = await Promise.all(queues.map((queue) => this.#reader.depth(queue)))
      return {
        queue: names.queue,
        ready: work!.ready,
        unacknowledged: work!.unacknowledged,
        suspects: suspects!.ready,
        waiting: rungs.reduce((sum, rung) => sum + rung.ready, 0),
        dead: dead!.ready,
        consumers: work!.consumers,
        published: work!.published,
        readAt: Date.now(),
        via: this.#reader.via,
      }
    } catch (error) {
      const message = `the backlog of ${names.queue} can not be read: ${messageOf(error)}`
      throw new TidemillError('BACKLOG_UNREADABLE', message, { cause: error })
    }
  }

  close(): Promise<void> {
    return this.#reader.close()
  }
}

class AmqpReader implements Reader {
  readonly via = 'amqp'
  readonly #settings: BrokerSettings
  #line: Promise<Line> | undefined
  #channel: Promise<Channel> | undefined

  constructor(settings: BrokerSettings) {
    this.#settings = settings
  }

  async depth(queue: string): Promise<Depth> {
    const { connectTimeoutMs } = this.#settings
    const channel = await (this.#channel ??= this.#open())
    const { messageCount, consumerCount } = await within(channel.checkQueue(queue), connectTimeoutMs, 'an answer')
    return { ready: messageCount, unacknowledged: undefined, consumers: consumerCount, published: undefined }
  }

  async close(): Promise<void> {
    const line = this.#line
    this.#forget()
    await (await line?.catch(ignore))?.close(this.#settings.closeTimeoutMs)
  }

  async #open(): Promise<Channel> {
    try {
      const line = await (this.#line ??= this.#dial())
      const channel = await within(line.model.createChannel(), this.#settings.connectTimeoutMs, 'a channel')
      channel.on('error', ignore)
      channel.on('close', () => {
        this.#channel = undefined
      })
      return channel
    } catch (error) {
      const line = this.#line
      this.#forget()
      void line?.then((failed) => failed.destroy(error), ignore)
      throw error
    }
  }

  async #dial(): Promise<Line> {
    const line = await dial(this.#settings)
    void line.closed.then(() => this.#forget())
    return line
  }

  #forget(): void {
    this.#line = undefined
    this.#channel = undefined
  }
}

class ManagementReader implements Reader {
  readonly via = 'management'
  readonly #api: ManagementApi

  constructor(settings: BrokerSettings) {
    this.#api = new ManagementApi(settings)
  }

  async depth(queue: string): Promise<Depth> {
    const figures = await this.#api.queue(queue)
    return {
      ready: numberOf(figures, 'messages_ready', queue),
      unacknowledged: numberOf(figures, 'messages_unacknowledged', queue),
      consumers: numberOf(figures, 'consumers', queue),
      published: publishedOf(figures),
    }
  }

  close(): Promise<void> {
    return this.#api.close()
  }
}

/** A queue that was declared a moment ago has no figures yet: that is no 0. */
function numberOf(figures: Readonly<Record<string, unknown>>, name: string, queue: string): number {
  const value = figures[name]
  if (typeof value === 'number') return value
  throw new Error(`expected ${name} of queue ${queue} to be a number, got ${typeof value}`)
}

function publishedOf(figures: Readonly<Record<string, unknown>>): number | undefined {
  const stats = figures['message_stats']
  const publish = typeof stats === 'object' && stats !== null ? (stats as { publish?: unknown }).publish : undefined
  return typeof publish === 'number' ? publish : undefined
}
