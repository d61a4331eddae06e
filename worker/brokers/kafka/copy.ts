import type { Outcome } from '../../contracts.ts'
import { errorHeader } from '../wire.ts'
import type { Header } from './headers.ts'
import type { KafkaMessage } from './message.ts'
import { HEADER, type Topics } from './names.ts'

/** A record to publish. */
export interface Copy {
  readonly topic: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly Header[]
}

type Retry = Extract<Outcome, { kind: 'retry' }>
type Dead = Extract<Outcome, { kind: 'dead' }>
type Extra = Readonly<Record<string, string | number | undefined>>

/** The copy that waits in the topic of its rung for its next try. */
export function retryCopy(message: KafkaMessage, { delayMs, reason, error, counted }: Retry, topics: Topics): Copy {
  return copyOf(message, topics.retry(delayMs), {
    [HEADER.attempt]: counted ? message.attempt + 1 : message.attempt,
    [HEADER.retryReason]: reason,
    [HEADER.retryError]: errorHeader(error),
  })
}

/** The copy that rests in the dead-letter topic. `now`: ms since the epoch. */
export function deadCopy(message: KafkaMessage, { reason, error }: Dead, topics: Topics, now: number): Copy {
  return copyOf(message, topics.dead, {
    [HEADER.deadReason]: reason,
    [HEADER.deadError]: errorHeader(error),
    [HEADER.deadAt]: now,
    [HEADER.attempt]: message.attempt,
  })
}

/** Key, value and headers as they are, byte by byte; ours replace those of the same name, at the end. */
function copyOf(message: KafkaMessage, topic: string, extra: Extra): Copy {
  const { list, raw } = message
  const first = list.some(([name]) => name === HEADER.offset)
  const origin = { [HEADER.topic]: message.topic, [HEADER.partition]: message.partition, [HEADER.offset]: raw.offset }
  const ours: Extra = first ? extra : { ...extra, ...origin }
  const headers = list.filter(([name]) => !Object.hasOwn(ours, name))
  for (const [name, value] of Object.entries(ours)) {
    if (value !== undefined) headers.push([name, Buffer.from(String(value))])
  }
  return { topic, key: raw.key, value: raw.value, headers }
}
