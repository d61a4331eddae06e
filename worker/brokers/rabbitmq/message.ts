import type { Message as RawMessage } from 'amqplib'
import type { BrokerSettings, Message } from '../../contracts.ts'
import { deriveId } from '../../identity.ts'
import { MAX_COUNT } from '../wire.ts'
import { headerOf, integerOf, shortString, textOf, viewOf } from './headers.ts'
import { HEADER } from './names.ts'

/** A message of RabbitMQ. Everything is worked out when it is first asked for: most is never asked for. */
export class RabbitMessage implements Message {
  readonly raw: RawMessage
  readonly #rules: BrokerSettings
  #id: string | undefined
  #type: string | undefined
  #headers: Readonly<Record<string, string>> | undefined

  constructor(raw: RawMessage, rules: BrokerSettings) {
    this.raw = raw
    this.#rules = rules
  }

  get id(): string {
    return (this.#id ??= this.idDerived ? deriveId(this.type, this.raw.content) : shortString(this.#messageId))
  }

  get idDerived(): boolean {
    return this.#messageId === ''
  }

  get type(): string {
    return (this.#type ??= this.#findType())
  }

  get body(): Uint8Array {
    return this.raw.content
  }

  get contentType(): string | undefined {
    return this.raw.properties.contentType
  }

  get contentEncoding(): string | undefined {
    return this.raw.properties.contentEncoding
  }

  get key(): string | undefined {
    return textOf(this.raw.properties.headers, HEADER.key)
  }

  get headers(): Readonly<Record<string, string>> {
    return (this.#headers ??= viewOf(this.raw.properties.headers))
  }

  get attempt(): number {
    return integerOf(this.raw.properties.headers, HEADER.attempt, 1, MAX_COUNT) ?? 1
  }

  get enqueuedAt(): number | undefined {
    const { headers, timestamp } = this.raw.properties
    const inMs = integerOf(headers, HEADER.enqueuedAt, 0, Number.MAX_SAFE_INTEGER)
    if (inMs !== undefined) return inMs
    return Number.isSafeInteger(timestamp * 1000) && timestamp > 0 ? timestamp * 1000 : undefined
  }

  get redelivered(): boolean {
    return this.raw.fields.redelivered
  }

  /** How often the message came back to its queue unsettled. The header counts only beside the broker's own `redelivered`: alone, a producer may have forged it. */
  get returns(): number {
    if (!this.raw.fields.redelivered) return 0
    return integerOf(this.raw.properties.headers, 'x-delivery-count', 0, MAX_COUNT) ?? 0
  }

  /** How often a worker vanished while it ran this message alone. For messages of the suspects queue only. */
  get crashes(): number {
    return (integerOf(this.raw.properties.headers, HEADER.crashes, 0, MAX_COUNT) ?? 0) + this.returns
  }

  get #messageId(): string {
    return this.raw.properties.messageId ?? ''
  }

  #findType(): string {
    const { type, headers } = this.raw.properties
    if (type !== undefined && type !== '') return type
    const named = headerOf(headers, this.#rules.typeHeader)
    return typeof named === 'string' && named !== '' ? named : (this.#rules.defaultType ?? '')
  }
}
