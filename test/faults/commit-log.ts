import { decode } from '../../worker/brokers/kafka/metadata.ts'
import type { Stored } from '../load/kafka-hands.ts'
import type { Commit } from './commit-oracle.ts'

/** Where Kafka keeps what groups commit: each commit is a record, and none is lost while its segment is the newest. */
export const COMMITS_TOPIC = '__consumer_offsets'

/** The first two bytes of the key of a commit; 2 and more are the group's members. */
const MAX_COMMIT_KEY = 1
const KNOWN_VALUES = [1, 2, 3, 4]

/** The commits of a group, in order. https://github.com/apache/kafka/tree/trunk/group-coordinator/src/main/resources/common/message */
export function commitsOf(group: string, records: readonly Stored[]): Commit[] {
  return records.flatMap(({ record: { key, value, timestamp } }): Commit[] => {
    if (key === null || key.readInt16BE(0) > MAX_COMMIT_KEY) return []
    const about = new Fields(key, 2)
    if (about.string() !== group) return []
    const [topic, partition] = [about.string(), about.int32()]
    if (value === null) return [{ topic, partition, by: 'removed', t: timestamp, position: 0, finished: [] }]
    return [{ topic, partition, ...commitIn(value) }]
  })
}

function commitIn(value: Buffer): Omit<Commit, 'topic' | 'partition'> {
  const version = value.readInt16BE(0)
  if (!KNOWN_VALUES.includes(version)) throw new Error(`expected a commit of version 1 to 4, got ${version}`)
  const fields = new Fields(value, 2)
  const position = fields.int64()
  // The epoch of the leader.
  if (version >= 3) fields.int32()
  const metadata = version >= 4 ? fields.compactString() : fields.string()
  const { finished, fault } = decode(position, metadata)
  if (fault === 'damaged') throw new Error(`expected metadata that can be read, got ${metadata}`)
  const isOurs = metadata !== '' && fault === undefined
  return { by: isOurs ? 'worker' : 'foreign', position, finished, t: fields.int64() }
}

/** Reads what Kafka's protocol calls INT32, INT64, STRING and COMPACT_STRING. */
class Fields {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  int32(): number {
    this.#at += 4
    return this.#bytes.readInt32BE(this.#at - 4)
  }

  int64(): number {
    this.#at += 8
    return Number(this.#bytes.readBigInt64BE(this.#at - 8))
  }

  string(): string {
    this.#at += 2
    return this.#text(this.#bytes.readInt16BE(this.#at - 2))
  }

  compactString(): string {
    let length = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes.readUInt8(this.#at++)
      length += (byte % 128) * scale
      if (byte < 128) return this.#text(length - 1)
    }
  }

  #text(length: number): string {
    this.#at += length
    return this.#bytes.toString('utf8', this.#at - length, this.#at)
  }
}
