import type { BrokerSettings, Message } from '../../contracts.ts'
import { deriveId } from '../../identity.ts'
import { cutText, integerIn, MAX_COUNT } from '../wire.ts'
import { HeaderName } from './header-name.ts'
import { type Header, viewOf } from './headers.ts'
import { HEADER } from './names.ts'
import type { Picked } from './record.ts'

/** A record as it is in its log. */
export interface RawRecord {
  readonly offset: number
  readonly key: Buffer | null
  /** Null: a tombstone. */
  readonly value: Buffer | null
  /** In order. May throw where they are cut off. */
  readonly headers: readonly Header[]
  /** ms since the epoch. */
  readonly timestamp: number
  /** The last header of each of these names, as each is to be read. May throw where they are cut off. */
  pick(names: readonly HeaderName[]): readonly Picked[]
}

type Rules = Pick<BrokerSettings, 'typeHeader' | 'defaultType'>

const ID_BYTES = 255
/** The headers that a job is read from, in the order of `namesOf`. */
const [TYPE, ID, ATTEMPT, ENQUEUED_AT, CONTENT_TYPE, CONTENT_ENCODING] = [0, 1, 2, 3, 4, 5] as const
const NONE: readonly never[] = []
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
  #known: readonly Picked[] | undefined
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
    return !this.#pick(ID)
  }

  get type(): string {
    return (this.#type ??= textOf(this.#pick(TYPE)) || (this.#rules.defaultType ?? ''))
  }

  get body(): Uint8Array {
    return this.raw.value ?? EMPTY
  }

  get contentType(): string | undefined {
    return textOf(this.#pick(CONTENT_TYPE))
  }

  get contentEncoding(): string | undefined {
    return textOf(this.#pick(CONTENT_ENCODING))
  }

  get key(): string | undefined {
    return this.raw.key?.toString('utf8')
  }

  get headers(): Readonly<Record<string, string>> {
    return (this.#headers ??= viewOf(this.list))
  }

  get attempt(): number {
    return integerIn(this.#pick(ATTEMPT), 1, MAX_COUNT) ?? 1
  }

  get enqueuedAt(): number | undefined {
    const said = integerIn(this.#pick(ENQUEUED_AT), 0, Number.MAX_SAFE_INTEGER)
    if (said !== undefined || this.attempt > 1) return said
    return this.raw.timestamp > 0 ? this.raw.timestamp : undefined
  }

  /** All headers one by one. Headers that can't be read count as none. */
  get list(): readonly Header[] {
    return (this.#list ??= listed(this.raw))
  }

  #pick(which: number): Picked {
    return (this.#known ??= picked(this.raw, namesOf(this.#rules.typeHeader)))[which]
  }

  get #ownId(): string | undefined {
    return this.idDerived ? undefined : textOf(picked(this.raw, OWN_ID)[0])
  }
}

function listed(raw: RawRecord): readonly Header[] {
  try {
    return raw.headers
  } catch {
    return NONE
  }
}

function picked(raw: RawRecord, wanted: readonly HeaderName[]): readonly Picked[] {
  try {
    return raw.pick(wanted)
  } catch {
    return NONE
  }
}

function textOf(said: Picked): string | undefined {
  return said === undefined ? undefined : String(said)
}

const OWN_ID = [new HeaderName(HEADER.id)]
const names = new Map<string, readonly HeaderName[]>()

function namesOf(typeHeader: string): readonly HeaderName[] {
  const known = names.get(typeHeader)
  if (known !== undefined) return known
  const { id, attempt, enqueuedAt, contentType, contentEncoding } = HEADER
  const made = [
    new HeaderName(typeHeader),
    new HeaderName(id, 'presence'),
    new HeaderName(attempt, 'digits'),
    new HeaderName(enqueuedAt, 'digits'),
    new HeaderName(contentType),
    new HeaderName(contentEncoding),
  ]
  names.set(typeHeader, made)
  return made
}
