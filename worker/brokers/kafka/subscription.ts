import kafkajs from 'kafkajs'
import type { Joiner, TopicPartition } from './assignment.ts'

/** The name under which members agree on how partitions are shared out. */
export const PROTOCOL = 'tidemill-sticky'

const OWNED_VERSION = 1
const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol

/** What a member says of itself when it joins: its topics, and what it had in which generation. */
export function subscriptionOf(
  topics: readonly string[],
  owned: readonly TopicPartition[],
  generation: number,
): Buffer {
  const mine = byTopic(owned, ({ partition }) => partition)
  const userData = Buffer.from(JSON.stringify([OWNED_VERSION, generation, mine]))
  return MemberMetadata.encode({ version: 0, topics: [...topics], userData })
}

/** A member of another making, or of another version, owns nothing that we would know of. */
export function joinerOf({ memberId, memberMetadata }: { memberId: string; memberMetadata: Buffer }): Joiner {
  const { topics, userData } = MemberMetadata.decode(memberMetadata) ?? { topics: [], userData: Buffer.alloc(0) }
  try {
    const [version, generation, owned] = JSON.parse(userData.toString()) as [
      number,
      number,
      { topic: string; partitions: number[] }[],
    ]
    if (version === OWNED_VERSION) {
      const partitions = owned.flatMap(({ topic, partitions: numbers }) =>
        numbers.map((partition) => ({ topic, partition })),
      )
      return { memberId, topics, generation, owned: partitions }
    }
  } catch {
    // Not ours.
  }
  return { memberId, topics, generation: -1, owned: [] }
}

/** What the leader tells a member that it gets. */
export function assignmentOf(partitions: readonly TopicPartition[]): Buffer {
  const topics = byTopic(partitions, ({ partition }) => partition)
  const assignment = Object.fromEntries(topics.map(({ topic, partitions: numbers }) => [topic, numbers]))
  return MemberAssignment.encode({ version: 0, assignment, userData: Buffer.alloc(0) })
}

/** What a member is told that it gets. */
export function partitionsIn(assignment: Buffer): TopicPartition[] {
  const topics = MemberAssignment.decode(assignment)?.assignment ?? {}
  return Object.entries(topics).flatMap(([topic, partitions]) => partitions.map((partition) => ({ topic, partition })))
}

/** Entries of partitions, by their topic, in the order in which topics come first. */
export function byTopic<P extends TopicPartition, T>(
  partitions: readonly P[],
  entry: (partition: P) => T,
): { topic: string; partitions: T[] }[] {
  const topics = new Map<string, T[]>()
  for (const one of partitions) {
    const entries = topics.get(one.topic)
    if (entries === undefined) topics.set(one.topic, [entry(one)])
    else entries.push(entry(one))
  }
  return [...topics].map(([topic, entries]) => ({ topic, partitions: entries }))
}
