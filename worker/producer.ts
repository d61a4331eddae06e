import { randomUUID } from 'node:crypto'
import { openBroker } from './brokers/index.ts'
import { resolveBrokerSettings } from './config.ts'
import type { Broker, BrokerSettings, Sink } from './contracts.ts'
import { validate } from './decode.ts'
import type { JobDefinition } from './define.ts'
import { messageOf, TidemillError } from './errors.ts'

export interface ProducerOptions {
  /** A URL (`amqp://`, `amqps://`, `memory:`), or a broker that was opened before. */
  readonly broker: string | Broker
  /** The queue to enqueue on. */
  readonly queue: string
  /** Settings of the connection; each is described in `config.ts`. */
  readonly settings?: Partial<BrokerSettings>
}

export interface EnqueueOptions {
  /** The idempotency key that handlers see. Default: a random UUID. */
  readonly id?: string
  /** Jobs of one key are kept in order where the broker can (`features.ordersByKey`). */
  readonly key?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Producer {
  /**
   * Checks the payload against the job's schema and hands the job to the broker. Resolves with its id once the broker has confirmed it.
   * Rejects with a TidemillError: `INVALID_PAYLOAD` (nothing was sent); `UNROUTABLE`, `REFUSED` (not stored);
   * `BLOCKED`, `CLOSED` (not sent); `CONFIRM_TIMEOUT`, `CONNECTION_LOST` (unknown: enqueue again with the same id).
   */
  enqueue<I>(job: JobDefinition<any, any, I>, payload: I, options?: EnqueueOptions): Promise<string>
  /** Waits for what is unconfirmed and disconnects. Idempotent; never rejects. */
  close(): Promise<void>
}

/** Makes a producer for one queue. It connects with the first job. */
export function createProducer(options: ProducerOptions): Producer {
  let sink: Promise<Sink> | undefined
  const open = async (): Promise<Sink> => {
    const { broker, queue, settings } = options
    if (typeof broker !== 'string') return broker.sink()
    const opened = await openBroker(resolveBrokerSettings({ ...settings, brokerUrl: broker, queue }), () => {})
    return opened.sink()
  }
  return {
    async enqueue(job, payload, { id = randomUUID(), key, headers } = {}) {
      const body = await encode(job, payload)
      sink ??= open()
      const { type, codec } = job
      const contentType = codec?.contentType ?? 'application/json'
      await (await sink).send({ id, type, body, contentType, key, headers, enqueuedAt: Date.now() })
      return id
    },
    async close() {
      await (await sink?.catch(() => undefined))?.close()
    },
  }
}

async function encode(job: JobDefinition<any, any, any>, payload: unknown): Promise<Uint8Array> {
  try {
    if (job.schema !== undefined) await validate(job.schema, payload)
    if (job.codec !== undefined) return job.codec.encode(payload)
    const text = JSON.stringify(payload)
    if (text === undefined) throw new TypeError(`expected a value that JSON can hold, got ${typeof payload}`)
    return Buffer.from(text)
  } catch (error) {
    throw new TidemillError('INVALID_PAYLOAD', `${job.type}: ${messageOf(error)}`, { cause: error })
  }
}
