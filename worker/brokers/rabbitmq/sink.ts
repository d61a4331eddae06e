import type { BrokerSettings, Outgoing, Sink, WorkerEvent } from '../../contracts.ts'
import { HEADER, namesOf } from './names.ts'
import { Publisher } from './publisher.ts'

/** Publishes jobs. Callers need not wait for one confirm before the next send: what is sent together travels together. */
export class RabbitSink implements Sink {
  readonly #settings: BrokerSettings
  readonly #publisher: Publisher

  constructor(settings: BrokerSettings, observe: (event: WorkerEvent) => void) {
    this.#settings = settings
    this.#publisher = new Publisher({ settings, observe, patienceMs: settings.blockedTimeoutMs })
  }

  send(job: Outgoing): Promise<void> {
    const { queue, workExchange } = namesOf(this.#settings.queue)
    return this.#publisher.publish({
      exchange: workExchange,
      routingKey: queue,
      body: Buffer.from(job.body.buffer, job.body.byteOffset, job.body.byteLength),
      options: {
        messageId: job.id,
        type: job.type,
        contentType: job.contentType,
        timestamp: Math.floor(job.enqueuedAt / 1000),
        persistent: true,
        mandatory: true,
        headers: headersOf(job),
      },
    })
  }

  close(): Promise<void> {
    return this.#publisher.close(this.#settings.closeTimeoutMs)
  }
}

function headersOf({ headers, key, enqueuedAt }: Outgoing): Record<string, unknown> {
  const all: Record<string, unknown> = Object.create(null)
  for (const [name, value] of Object.entries(headers ?? {})) {
    // The broker would send the job to the queues that these name as well.
    if (name !== 'CC' && name !== 'BCC') all[name] = value
  }
  if (key !== undefined) all[HEADER.key] = key
  all[HEADER.enqueuedAt] = enqueuedAt
  return all
}
