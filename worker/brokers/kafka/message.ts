import type { BrokerSettings, Message } from '../../contracts.ts'
import { deriveId } from '../../identity.ts'
import { cutText, integerIn, MAX_COUNT } from '../wire.ts'
import { type Header, listOf, type RawHeaders, textOf, viewOf } from './headers.ts'
import { HEADER } from './names.ts'

/** A record as it is in its log. */
export interface RawRecord {
  readonly offset: number
  readonly key: Buffer | null
  /** Null: a tombstone. */
  readonly value: Buffer | null
  /** May throw where they are cut off. */
  readonly headers: RawHeaders
  /** ms since the epoch. */
  readonly timestamp: number
}

type Rules = Pick<BrokerSettings, 'typeHeader' | 'defaultType'>

const ID_BYTES = 255
const EMPTY = new Uint8Array()

/** A record of Kafka. Everything is worked out when it is first asked for: most is never asked for. */
export class KafkaMessage implements Message {
  readonly raw: RawRecord
  readonly topic: string
  readonly partition: number
  /** Set when an earlier owner of the partition may have begun it. */
  readonly redelivered: boolean
  readonly #rules: Rules
  #list: readonly Header[] | undefined
  #id: string | undefined
  #type: string | undefined
  #headers: Readonly<Record<string, string>> | undefined

  constructor(raw: RawRecord, topic: string, partition: number, rules: Rules, redelivered: boolean) {
    this.raw = raw
    this.topic = topic
    this.partition = partition
    this.#rules = rules
    this.redelivered = redelivered
  }

  get id(): string {
    return (this.#id ??= cutText(this.#ownId ?? deriveId(this.type, this.body), ID_BYTES))
  }

  get idDerived(): boolean {
    return this.#ownId === undefined
  }

  get type(): string {
    return (this.#type ??= textOf(this.list, this.#rules.typeHeader) || (this.#rules.defaultType ?? ''))
  }

  get body(): Uint8Array {
    return this.raw.value ?? EMPTY
  }

  get contentType(): string | undefined {
    return textOf(this.list, HEADER.contentType)
  }

  get contentEncoding(): string | undefined {
    return textOf(this.list, HEADER.contentEncoding)
  }

  get key(): string | undefined {
    return this.raw.key?.toString('utf8')
  }

  get headers(): Readonly<Record<string, string>> {
    return (this.#headers ??= viewOf(this.list))
  }

  get attempt(): number {
    return integerIn(textOf(this.list, HEADER.attempt), 1, MAX_COUNT) ?? 1
  }

  get enqueuedAt(): number | undefined {
    const said = integerIn(textOf(this.list, HEADER.enqueuedAt), 0, Number.MAX_SAFE_INTEGER)
    if (said !== undefined || this.attempt > 1) return said
    return this.raw.timestamp > 0 ? this.raw.timestamp : undefined
  }

  /** All headers one by one. Headers that can't be read count as none. */
  get list(): readonly Header[] {
    return (this.#list ??= listed(this.raw))
  }

  get #ownId(): string | undefined {
    return textOf(this.list, HEADER.id) || undefined
  }
}

function listed(raw: RawRecord): Header[] {
  try {
    return listOf(raw.headers)
  } catch {
    return []
  }
}
