import type { Backlog, BacklogReading, BrokerSettings, PartitionBacklog } from '../../contracts.ts'
import { messageOf, TidemillError } from '../../errors.ts'
import { fullJitter, Pause, within } from '../waiting.ts'
import { Directory } from './directory.ts'
import { committedOf, type EdgesOf, edgesOf, membersOf, type PositionsOf } from './logs.ts'
import { decode, type Run } from './metadata.ts'
import { groupOf, topicsOf } from './names.ts'

const MAX_TRIES = 5
const BASE_DELAY_MS = 100
const MAX_DELAY_MS = 1_000

/**
 * The backlog of a queue, on connections that are kept: what its group has not finished. What is delivered and not settled is
 * part of it, because the broker knows nothing of it; what is finished out of order is not, as the commits tell it.
 */
export class KafkaBacklog implements Backlog {
  readonly #settings: BrokerSettings
  #directory: Promise<Directory> | undefined

  constructor(settings: BrokerSettings) {
    this.#settings = settings
  }

  /** Rejects with `BACKLOG_UNREADABLE` where any of the topics or the group can't be read. */
  async read(): Promise<BacklogReading> {
    const { queue, connectTimeoutMs } = this.#settings
    const opening = (this.#directory ??= Directory.open(this.#settings))
    try {
      const directory = await opening
      return await within(this.#readPatiently(directory), connectTimeoutMs, 'the figures')
    } catch (error) {
      if (this.#directory === opening) this.#directory = undefined
      void opening.then((directory) => directory.fail(error)).catch(() => undefined)
      const message = `the backlog of ${queue} can not be read: ${messageOf(error)}`
      throw new TidemillError('BACKLOG_UNREADABLE', message, { cause: error })
    }
  }

  async close(): Promise<void> {
    const opening = this.#directory
    this.#directory = undefined
    await (await opening?.catch(() => undefined))?.close(this.#settings.closeTimeoutMs)
  }

  /** A coordinator or a leader that has just moved answers soon. */
  async #readPatiently(directory: Directory): Promise<BacklogReading> {
    for (let failures = 0; ; failures++) {
      try {
        return await this.#read(directory, failures > 0)
      } catch (error) {
        if (failures >= MAX_TRIES || (error as { retriable?: unknown }).retriable !== true) throw error
      }
      await new Pause().wait(fullJitter(failures, BASE_DELAY_MS, MAX_DELAY_MS))
    }
  }

  async #read(directory: Directory, isUrgent: boolean): Promise<BacklogReading> {
    const { queue, retryLadderMs, offsetReset } = this.#settings
    const { work, dead, retries } = topicsOf(queue, retryLadderMs)
    const consumed = [work, ...retries.values()]
    const topics = [...consumed, dead]
    await directory.look(topics, isUrgent)
    const group = groupOf(this.#settings)
    const [starts, committed, consumers] = await Promise.all([
      edgesOf(directory, topics, 'earliest'),
      committedOf(directory, group, consumed),
      membersOf(directory, group),
    ])
    // Asked for last: what was committed is not beyond them.
    const ends = await edgesOf(directory, topics, 'latest')
    const found = { starts, ends, committed }
    // A retry was asked for by somebody who waits for it.
    const waiting = [...retries.values()].flatMap((topic) => lagsOf(topic, found, 'earliest'))
    const partitions = lagsOf(work, found, offsetReset)
    const readAt = Date.now()
    return {
      queue,
      ready: sum(partitions.map(({ ready }) => ready)),
      unacknowledged: undefined,
      suspects: 0,
      waiting: sum(waiting.map(({ ready }) => ready)),
      dead: sum(ends(dead)) - sum(starts(dead)),
      consumers,
      published: sum(ends(work)),
      readAt,
      via: 'admin',
      partitions,
    }
  }
}

/** What is not finished of each partition of a topic. */
function lagsOf(
  topic: string,
  found: { readonly starts: EdgesOf; readonly ends: EdgesOf; readonly committed: PositionsOf },
  reset: 'earliest' | 'latest',
): PartitionBacklog[] {
  const starts = found.starts(topic)
  return found.ends(topic).map((end, partition) => {
    const start = starts[partition] ?? 0
    const known = found.committed(topic, partition)
    // A commit that the log no longer holds, or never did, counts for nothing, as for the workers.
    if (known === undefined || known.position < start || known.position > end) {
      return { partition, ready: reset === 'latest' ? 0 : Math.max(0, end - start) }
    }
    const { finished } = decode(known.position, known.metadata)
    return { partition, ready: end - known.position - finishedBelow(finished, end) }
  })
}

/** How many offsets of the runs are below the end. */
function finishedBelow(runs: readonly Run[], end: number): number {
  return sum(runs.map((run) => Math.max(0, Math.min(run.end, end) - run.start)))
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
