import { TidemillError } from '../../errors.ts'
import type { Directory } from './directory.ts'
import { topicFault } from './publish-errors.ts'

/** Where each partition of a topic begins or ends, by its number. */
export type EdgesOf = (topic: string) => readonly number[]

/** What a group has committed of a partition; undefined where it has not. */
export type PositionsOf = (topic: string, partition: number) => Position | undefined

export interface Position {
  readonly position: number
  readonly metadata: string | null
}

/** Asks for the edges of all partitions, one request for each leader. Rejects where one of them can't be had. */
export async function edgesOf(
  directory: Directory,
  topics: readonly string[],
  edge: 'earliest' | 'latest',
): Promise<EdgesOf> {
  const asked = topics.map((topic) => ({
    topic,
    partitions: partitionsOf(directory, topic).map((partition) => ({ partition })),
    fromBeginning: edge === 'earliest',
  }))
  const answers = await directory.cluster.fetchTopicsOffset(asked)
  const edges = new Map(answers.map(({ topic, partitions }) => [topic, partitions]))
  return (topic) => {
    const found: number[] = []
    for (const { partition, offset } of edges.get(topic) ?? []) found[partition] = Number(offset)
    return found
  }
}

export async function committedOf(
  directory: Directory,
  groupId: string,
  topics: readonly string[],
): Promise<PositionsOf> {
  const coordinator = await directory.cluster.findGroupCoordinator({ groupId })
  const { responses } = await coordinator.offsetFetch({
    groupId,
    topics: topics.map((topic) => ({
      topic,
      partitions: partitionsOf(directory, topic).map((partition) => ({ partition, offset: '' })),
    })),
  })
  const positions = new Map<string, Position>()
  for (const { topic, partitions } of responses) {
    for (const answer of partitions) {
      const { partition, offset, metadata = null } = answer as typeof answer & { metadata?: string | null }
      if (Number(offset) >= 0) positions.set(`${topic}/${partition}`, { position: Number(offset), metadata })
    }
  }
  return (topic, partition) => positions.get(`${topic}/${partition}`)
}

/** How many members a group has; 0 for one that nobody knows. */
export async function membersOf(directory: Directory, groupId: string): Promise<number> {
  const coordinator = await directory.cluster.findGroupCoordinator({ groupId })
  const { groups } = (await coordinator.describeGroups({ groupIds: [groupId] })) as Described
  return groups[0]?.members.length ?? 0
}

interface Described {
  readonly groups: readonly { readonly members: readonly unknown[] }[]
}

/** Throws where the topic is not there. */
function partitionsOf(directory: Directory, topic: string): number[] {
  const state = directory.stateOf(topic)
  const fault = state === undefined ? undefined : topicFault(topic, state.error)
  if (fault !== undefined) throw fault
  if (state === undefined || state.led.length < state.leaders.length || state.leaders.length === 0) {
    throw new TidemillError('BACKLOG_UNREADABLE', `expected topic ${topic} to have leaders, got none of some partition`)
  }
  return [...state.leaders.keys()]
}
