import type { TidemillError } from '../../errors.ts'
import type { Directory, TopicState } from './directory.ts'
import { Partitioner } from './partitioner.ts'
import { topicFault } from './publish-errors.ts'
import { type Pending, PublishLane } from './publish-lane.ts'

/** What goes to one partition by one request. */
export interface Load {
  readonly lane: PublishLane
  readonly batch: readonly Pending[]
}

/** What may be sent now. */
export interface Loads {
  /** By leader: one request each. */
  readonly byLeader: ReadonlyMap<number, readonly Load[]>
  /** Records of a topic that is there no more. */
  readonly stranded: readonly (readonly [Pending, TidemillError])[]
  /** True when a partition has no leader. */
  readonly isLeaderless: boolean
  /** When the next lane is to be looked at that had to wait, by `performance.now()`; infinite where there is none. */
  readonly nextAt: number
}

/** The lanes of all partitions that are written to. */
export class PublishLanes {
  readonly #lanes = new Map<string, PublishLane>()
  readonly #partitioners = new Map<string, Partitioner>()

  /** Gives a record to the lane of its partition. The topic has partitions. */
  add(pending: Pending, { leaders, led }: TopicState): void {
    const { topic, key } = pending.copy
    const partition = this.#partitionerOf(topic).partitionOf(key, leaders.length, led)
    this.#laneOf(topic, partition).push(pending)
  }

  /** Takes the next batch of each lane whose leader is not busy. */
  take(directory: Pick<Directory, 'stateOf'>, busy: ReadonlySet<number>, now: number): Loads {
    const byLeader = new Map<number, Load[]>()
    const stranded: [Pending, TidemillError][] = []
    let isLeaderless = false
    let nextAt = Number.POSITIVE_INFINITY
    for (const lane of this.#lanes.values()) {
      if (lane.busy || lane.size === 0) continue
      const state = directory.stateOf(lane.topic)
      const fault = state === undefined ? undefined : topicFault(lane.topic, state.error)
      if (fault !== undefined) for (const pending of lane.clear()) stranded.push([pending, fault])
      const leader = state?.leaders[lane.partition] ?? -1
      if (leader < 0 && lane.notBefore <= now) {
        isLeaderless = true
        lane.failed([], now)
      }
      if (lane.notBefore > now) nextAt = Math.min(nextAt, lane.notBefore)
      else if (!busy.has(leader)) load(byLeader, leader, lane)
    }
    return { byLeader, stranded, isLeaderless, nextAt }
  }

  #laneOf(topic: string, partition: number): PublishLane {
    const name = `${topic}/${partition}`
    const known = this.#lanes.get(name)
    if (known !== undefined) return known
    const lane = new PublishLane(topic, partition)
    this.#lanes.set(name, lane)
    return lane
  }

  #partitionerOf(topic: string): Partitioner {
    const known = this.#partitioners.get(topic)
    if (known !== undefined) return known
    // Two producers that start together do not begin at the same partition.
    const made = new Partitioner(Math.floor(Math.random() * 1_000_000))
    this.#partitioners.set(topic, made)
    return made
  }
}

function load(byLeader: Map<number, Load[]>, leader: number, lane: PublishLane): void {
  const batch = lane.take()
  if (batch.length === 0) return
  const others = byLeader.get(leader)
  if (others === undefined) byLeader.set(leader, [{ lane, batch }])
  else others.push({ lane, batch })
}
