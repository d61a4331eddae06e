import type { BrokerSettings } from '../../contracts.ts'
import { HEADER as SHARED } from '../wire.ts'

/** The topics that belong to one queue. */
export interface Topics {
  readonly work: string
  readonly dead: string
  /** The topics of the retry ladder by their delay in ms, the shortest first. */
  readonly retries: ReadonlyMap<number, string>
  /** The topic of a rung. */
  retry(delayMs: number): string
  /** How long a record waits in a topic before it is due: 0 unless it is one of the ladder. */
  delayOf(topic: string): number
}

/** What a queue's topics are called: part of the wire format. */
export function topicsOf(queue: string, ladderMs: readonly number[]): Topics {
  const retry = (delayMs: number) => `${queue}.retry.${delayMs}`
  const delays = new Map(ladderMs.map((delayMs) => [retry(delayMs), delayMs]))
  return {
    work: queue,
    dead: `${queue}.dead`,
    retries: new Map(ladderMs.map((delayMs) => [delayMs, retry(delayMs)])),
    retry,
    delayOf: (topic) => delays.get(topic) ?? 0,
  }
}

/** The consumer group of a queue's workers. */
export function groupOf({ consumerGroup, queue }: Pick<BrokerSettings, 'consumerGroup' | 'queue'>): string {
  return consumerGroup ?? queue
}

/** The headers of tidemill, and those that many producers share: part of the wire format. The key is the record's own. */
export const HEADER = {
  ...SHARED,
  /** The job's id. */
  id: 'tidemill-id',
  contentType: 'content-type',
  contentEncoding: 'content-encoding',
  /** Where the record of the first try is. */
  topic: 'tidemill-topic',
  partition: 'tidemill-partition',
  offset: 'tidemill-offset',
} as const
