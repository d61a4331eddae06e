import { decode } from '../../worker/brokers/kafka/metadata.ts'
import type { Stored } from '../load/kafka-hands.ts'
import type { Commit } from './commit-oracle.ts'
import { Fields } from './fields.ts'

/** Where Kafka keeps what groups commit: each commit is a record, and none is lost while its segment is the newest. */
export const COMMITS_TOPIC = '__consumer_offsets'

/** The first two bytes of the key of a commit; 2 and more are the group's members. */
const MAX_COMMIT_KEY = 1
const KNOWN_VALUES = [1, 2, 3, 4]

/** The commits of a group, in order. https://github.com/apache/kafka/tree/trunk/group-coordinator/src/main/resources/common/message */
export function commitsOf(group: string, records: readonly Stored[]): Commit[] {
  return records.flatMap(({ record: { key, value, timestamp } }): Commit[] => {
    if (key === null) return []
    const about = new Fields(key)
    if (about.int16() > MAX_COMMIT_KEY || about.string() !== group) return []
    const [topic, partition] = [about.string(), about.int32()]
    if (value === null) return [{ topic, partition, by: 'removed', t: timestamp, position: 0, finished: [] }]
    return [{ topic, partition, ...commitIn(value) }]
  })
}

function commitIn(value: Buffer): Omit<Commit, 'topic' | 'partition'> {
  const fields = new Fields(value)
  const version = fields.int16()
  if (!KNOWN_VALUES.includes(version)) throw new Error(`expected a commit of version 1 to 4, got ${version}`)
  const position = fields.int64()
  // The epoch of the leader.
  if (version >= 3) fields.int32()
  const metadata = version >= 4 ? fields.compactString() : fields.string()
  const { finished, fault } = decode(position, metadata)
  if (fault === 'damaged') throw new Error(`expected metadata that can be read, got ${metadata}`)
  const isOurs = metadata !== '' && fault === undefined
  return { by: isOurs ? 'worker' : 'foreign', position, finished, t: fields.int64() }
}
