import { nameOf, type TopicPartition } from '../../worker/brokers/kafka/assignment.ts'
import type { Run } from '../../worker/brokers/kafka/metadata.ts'

/** One commit as the broker keeps it. */
export interface Commit extends TopicPartition {
  /** `foreign`: set by another tool. `removed`: what was committed is forgotten. What comes next can't be held against either. */
  readonly by: 'worker' | 'foreign' | 'removed'
  /** When the broker took it, ms since the epoch. */
  readonly t: number
  readonly position: number
  /** What it says is finished at or past the position. */
  readonly finished: readonly Run[]
}

/** A job in its place in a log. */
export interface Place extends TopicPartition {
  readonly offset: number
  readonly id: string
  readonly key: string | undefined
  /** When it was first begun, and first at an end: done, or its copy written. Undefined: never. ms since the epoch. */
  readonly startedAt: number | undefined
  readonly endedAt: number | undefined
}

/** How many breaches are told one by one. */
const SHOWN = 20

/**
 * What the commits of a run say against it, a sentence each:
 * - a commit counts a record as finished that was not, by when the broker took it;
 * - a commit knows less than one before it: it comes from an owner that had lost the partition, or did not take over what it should;
 * - records of one key did not run one after the other.
 * @param commits in the order in which the broker took them
 */
export function breachesOf(commits: readonly Commit[], places: readonly Place[]): string[] {
  const breaches = [...breachesOfCommits(commits, byPartition(places)), ...breachesOfOrder(places)]
  return breaches.length > SHOWN ? [...breaches.slice(0, SHOWN), `and ${breaches.length - SHOWN} more`] : breaches
}

function* breachesOfCommits(
  commits: readonly Commit[],
  places: ReadonlyMap<string, readonly Place[]>,
): Generator<string> {
  for (const [name, ofPartition] of byPartition(commits)) {
    let before: Commit | undefined
    for (const commit of ofPartition) {
      const { t, position, by } = commit
      if (by !== 'worker') {
        before = undefined
        continue
      }
      if (before !== undefined && position < before.position) {
        yield `${name}: the watermark fell from ${before.position} to ${position}`
      }
      for (const { offset, id, endedAt } of places.get(name) ?? []) {
        const counts = isCounted(commit, offset)
        const counted = before !== undefined && isCounted(before, offset)
        if (counted && !counts && offset >= position) {
          yield `${name}: the commit of ${position} no longer knows that ${id} at ${offset} is finished`
        }
        if (!counts || counted || (endedAt !== undefined && endedAt <= t)) continue
        const ended = endedAt === undefined ? 'never ended' : `ended ${endedAt - t} ms later`
        yield `${name}: the commit of ${position} counts ${id} at ${offset} as finished, which ${ended}`
      }
      before = commit
    }
  }
}

function* breachesOfOrder(places: readonly Place[]): Generator<string> {
  const last = new Map<string, Place>()
  const seen = new Set<string>()
  for (const place of places.toSorted((one, other) => one.offset - other.offset)) {
    // What a producer has sent twice was begun for its first place.
    if (place.key === undefined || seen.has(place.id)) continue
    seen.add(place.id)
    const lane = `${nameOf(place)} ${place.key}`
    const before = last.get(lane)
    last.set(lane, place)
    if (before === undefined || place.startedAt === undefined) continue
    if (before.endedAt !== undefined && before.endedAt <= place.startedAt) continue
    yield `${nameOf(place)}: ${place.id} was begun before the end of ${before.id}, which has the same key`
  }
}

function isCounted({ position, finished }: Commit, offset: number): boolean {
  return offset < position || finished.some(({ start, end }) => start <= offset && offset < end)
}

function byPartition<P extends TopicPartition>(all: readonly P[]): Map<string, P[]> {
  return Map.groupBy(all, nameOf)
}
