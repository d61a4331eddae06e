import type { BrokerSettings, Outgoing, Sink, WorkerEvent } from '../../contracts.ts'
import type { Header } from './headers.ts'
import { HEADER } from './names.ts'
import { Publisher } from './publisher.ts'

/** Publishes jobs. Callers need not wait for one confirm before the next send: what is sent together travels together. */
export class KafkaSink implements Sink {
  readonly #settings: BrokerSettings
  readonly #publisher: Publisher

  constructor(settings: BrokerSettings, observe: (event: WorkerEvent) => void) {
    this.#settings = settings
    this.#publisher = new Publisher({ settings, observe, patienceMs: settings.blockedTimeoutMs })
  }

  send(job: Outgoing): Promise<void> {
    const { body, key } = job
    return this.#publisher.publish({
      topic: this.#settings.queue,
      key: key === undefined ? null : Buffer.from(key),
      value: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
      headers: this.#headersOf(job),
    })
  }

  close(): Promise<void> {
    return this.#publisher.close(this.#settings.closeTimeoutMs)
  }

  /** The user's come first: of two of one name the last one counts. */
  #headersOf({ id, type, contentType, enqueuedAt, headers = {} }: Outgoing): Header[] {
    const all: Header[] = Object.keys(headers).map((name) => [name, Buffer.from(headers[name]!)])
    all.push(
      [HEADER.id, Buffer.from(id)],
      [this.#settings.typeHeader, Buffer.from(type)],
      [HEADER.contentType, Buffer.from(contentType)],
      [HEADER.enqueuedAt, Buffer.from(String(enqueuedAt))],
    )
    return all
  }
}
