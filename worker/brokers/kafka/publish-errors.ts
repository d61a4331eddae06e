import protocolErrors from 'kafkajs/src/protocol/error.js'
import { TidemillError } from '../../errors.ts'

/**
 * What the refusal of a batch means. `again`: it may be taken later. `apart`: one of its records is at fault, so they
 * have to be sent apart, until one stands alone. `all`: none of its topic would be taken.
 */
export type Refusal = 'again' | 'apart' | 'all'

const UNKNOWN = -1
const UNKNOWN_TOPIC = 3
const LEADER_NOT_AVAILABLE = 5
const INVALID_TOPIC = 17
const NOT_ENOUGH_REPLICAS = 19
const NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20
const TOPIC_AUTHORIZATION_FAILED = 29
const CLUSTER_AUTHORIZATION_FAILED = 31
/** A client over its quota, not in kafkajs's table. */
const THROTTLING_QUOTA_EXCEEDED = 89

export function refusalOf(code: number): Refusal {
  switch (code) {
    case UNKNOWN:
    case THROTTLING_QUOTA_EXCEEDED:
      return 'again'
    case INVALID_TOPIC:
    case TOPIC_AUTHORIZATION_FAILED:
    case CLUSTER_AUTHORIZATION_FAILED:
      return 'all'
    default:
      return protocolErrors.createErrorFromCode(code).retriable ? 'again' : 'apart'
  }
}

/** A record that the broker does not take. */
export function refused(topic: string, code: number): TidemillError {
  return new TidemillError('REFUSED', `topic ${topic} takes no such record: ${textOf(code)}`)
}

/** Why no record of the topic can be sent, by what brokers say of the topic; undefined where it may come to have leaders. */
export function topicFault(topic: string, code: number): TidemillError | undefined {
  switch (code) {
    case 0:
    case UNKNOWN:
    case LEADER_NOT_AVAILABLE:
      return undefined
    case UNKNOWN_TOPIC:
    case INVALID_TOPIC:
      return new TidemillError('UNROUTABLE', `there is no topic ${topic}`)
    default:
      return new TidemillError('REFUSED', `topic ${topic} can't be written to: ${textOf(code)}`)
  }
}

/** Nothing was written: there was no connection. */
export function notSent(patienceMs: number, cause: unknown): TidemillError {
  const message = `there was no connection for ${patienceMs} ms; the record was not sent`
  return new TidemillError('CONNECTION_LOST', message, { cause })
}

/** What was tried for so long has not come to an end. `code` is what the broker said last, `isWritten` whether it may be stored. */
export function undecided(
  topic: string,
  waitedMs: number,
  code: number | undefined,
  isWritten: boolean,
): TidemillError {
  const why = code === undefined ? 'got none' : `got ${textOf(code)}`
  const isShort = code === NOT_ENOUGH_REPLICAS || code === NOT_ENOUGH_REPLICAS_AFTER_APPEND
  if (isShort || !isWritten) {
    return new TidemillError('BLOCKED', `expected topic ${topic} to take a record within ${waitedMs} ms, ${why}`)
  }
  return new TidemillError('CONFIRM_TIMEOUT', `expected a confirm of topic ${topic} within ${waitedMs} ms, ${why}`)
}

function textOf(code: number): string {
  const { type, message } = protocolErrors.createErrorFromCode(code)
  return `${type} (${code}: ${message})`
}
