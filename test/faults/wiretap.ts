import protocolErrors from 'kafkajs/src/protocol/error.js'
import type { TopicPartition } from '../../worker/brokers/kafka/assignment.ts'
import type { Listener } from '../load/proxy.ts'
import { Fields } from './fields.ts'
import { Frames } from './frames.ts'

/** In whose name something was asked of a group's coordinator. */
export interface Name {
  readonly group: string
  readonly generation: number
  readonly memberId: string
}

/** What a member was told that it gets. */
export interface Share extends Name {
  readonly partitions: readonly TopicPartition[]
}

/** One partition in one request to commit. */
export interface WireCommit extends Name, TopicPartition {
  readonly position: number
  /** `taken`, what the broker said against it, as in `ILLEGAL_GENERATION`, or `unanswered`: the connection was gone first. */
  answer: string
}

/** What was read of a group's traffic. */
export interface Traffic {
  readonly shares: readonly Share[]
  readonly commits: readonly WireCommit[]
  /** Why it may not be all: what was on the wire and could not be read, a sentence each. */
  readonly faults: readonly string[]
}

/** A kind of request by which partitions are given or progress is committed, in the one version that is read. */
interface Kind {
  readonly name: string
  /** Undefined: in none. */
  readonly version: number | undefined
}

const SYNC_GROUP = 14
const OFFSET_COMMIT = 8
/** By its number in the protocol. The versions are the highest that kafkajs 2.2.4 speaks. https://kafka.apache.org/protocol#protocol_api_keys */
const KINDS: ReadonlyMap<number, Kind> = new Map([
  [SYNC_GROUP, { name: 'SyncGroup', version: 3 }],
  [OFFSET_COMMIT, { name: 'OffsetCommit', version: 5 }],
  [28, { name: 'TxnOffsetCommit', version: undefined }],
  [68, { name: 'ConsumerGroupHeartbeat', version: undefined }],
])

type Reader = (answer: Fields) => void

/** Listens in on connections to Kafka: which partitions members were given, and what they commit. What it can't read is a fault, and holds nobody up. */
export class Wiretap implements Traffic {
  readonly shares: Share[] = []
  readonly commits: WireCommit[] = []
  readonly faults: string[] = []

  /** For one more connection. */
  listen = (): Listener => {
    const [requests, answers] = [new Frames(), new Frames()]
    const awaited = new Map<number, Reader>()
    let isLost = false
    return (direction, chunk) => {
      if (isLost) return
      try {
        if (direction === 'up') for (const frame of requests.add(chunk)) this.#request(new Fields(frame), awaited)
        else for (const frame of answers.add(chunk)) this.#answer(new Fields(frame), awaited)
      } catch (error) {
        isLost = true
        this.faults.push(`a connection could not be read on: ${String(error)}`)
      }
    }
  }

  #request(fields: Fields, awaited: Map<number, Reader>): void {
    const [api, version, correlationId] = [fields.int16(), fields.int16(), fields.int32()]
    const kind = KINDS.get(api)
    if (kind === undefined) return
    const { name, version: known } = kind
    if (known === undefined) throw new Error(`expected no ${name}, got version ${version}`)
    if (version !== known) throw new Error(`expected ${name} of version ${known}, got ${version}`)
    // The client's id.
    fields.string()
    const by: Name = { group: fields.string(), generation: fields.int32(), memberId: fields.string() }
    awaited.set(correlationId, api === SYNC_GROUP ? (answer) => this.#share(by, answer) : this.#commit(by, fields))
  }

  #answer(fields: Fields, awaited: Map<number, Reader>): void {
    const correlationId = fields.int32()
    const read = awaited.get(correlationId)
    if (read === undefined) return
    awaited.delete(correlationId)
    // For how long the client is to hold back.
    fields.int32()
    read(fields)
  }

  #share(by: Name, answer: Fields): void {
    if (answer.int16() !== 0) return
    const assignment = new Fields(answer.bytes())
    // Its version.
    assignment.int16()
    this.shares.push({ ...by, partitions: eachPartition(assignment, (where) => where) })
  }

  #commit(by: Name, request: Fields): Reader {
    const asked = eachPartition(request, (where): WireCommit => {
      const position = request.int64()
      // The metadata.
      request.string()
      return { ...by, ...where, position, answer: 'unanswered' }
    })
    this.commits.push(...asked)
    return (answer) => {
      eachPartition(answer, ({ topic, partition }) => {
        const one = asked.find((commit) => commit.topic === topic && commit.partition === partition)
        if (one === undefined)
          throw new Error(`expected an answer to what was asked, got one for ${topic}[${partition}]`)
        one.answer = answerOf(answer.int16())
      })
    }
  }
}

/** Topics with their partitions, as assignments, commits and the answers to them have them; `read` takes what follows a partition's number. */
function eachPartition<T>(fields: Fields, read: (where: TopicPartition) => T): T[] {
  return fields
    .array(() => {
      const topic = fields.string()
      return fields.array(() => read({ topic, partition: fields.int32() }))
    })
    .flat()
}

function answerOf(code: number): string {
  return code === 0 ? 'taken' : protocolErrors.createErrorFromCode(code).type
}
