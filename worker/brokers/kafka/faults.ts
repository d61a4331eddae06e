import { messageOf, TidemillError } from '../../errors.ts'
import { nameOf, type TopicPartition } from './assignment.ts'

/**
 * What an error of the broker or of kafkajs means for a member of a group.
 * `rejoin`: the others wait for it. `outdated`: the group has gone on without it. `expelled`: the group does not know it.
 * `topics`: a topic is not there. `stale`: a partition or the coordinator has moved. `fatal`: no try can help.
 * `network`: everything else, to be tried again.
 */
export type Fault = 'rejoin' | 'outdated' | 'expelled' | 'topics' | 'stale' | 'fatal' | 'network'

const FAULTS: Readonly<Record<string, Fault>> = {
  REBALANCE_IN_PROGRESS: 'rejoin',
  ILLEGAL_GENERATION: 'outdated',
  UNKNOWN_MEMBER_ID: 'expelled',
  FENCED_INSTANCE_ID: 'expelled',
  UNKNOWN_TOPIC_OR_PARTITION: 'topics',
  NOT_COORDINATOR_FOR_GROUP: 'stale',
  GROUP_COORDINATOR_NOT_AVAILABLE: 'stale',
  GROUP_LOAD_IN_PROGRESS: 'stale',
  LEADER_NOT_AVAILABLE: 'stale',
  NOT_LEADER_FOR_PARTITION: 'stale',
  FENCED_LEADER_EPOCH: 'stale',
  UNKNOWN_LEADER_EPOCH: 'stale',
  GROUP_AUTHORIZATION_FAILED: 'fatal',
  TOPIC_AUTHORIZATION_FAILED: 'fatal',
  CLUSTER_AUTHORIZATION_FAILED: 'fatal',
  SASL_AUTHENTICATION_FAILED: 'fatal',
  UNSUPPORTED_SASL_MECHANISM: 'fatal',
  ILLEGAL_SASL_STATE: 'fatal',
  INCONSISTENT_GROUP_PROTOCOL: 'fatal',
  INVALID_GROUP_ID: 'fatal',
  INVALID_SESSION_TIMEOUT: 'fatal',
  UNSUPPORTED_VERSION: 'fatal',
}

/** A partition that this member has not heard of, or that nobody leads now. */
export class NoLeaderError extends Error {
  readonly type = 'LEADER_NOT_AVAILABLE'

  constructor(partition: TopicPartition) {
    super(`no broker is known that leads ${nameOf(partition)}`)
  }
}

const ACCESS = /AUTHORIZATION|SASL/
const MAX_DEPTH = 8

export function faultOf(error: unknown): Fault {
  if (error instanceof TidemillError) return error.code === 'UNREADABLE' ? 'fatal' : 'network'
  for (const one of causesOf(error)) {
    if (one.name === 'KafkaJSSASLAuthenticationError') return 'fatal'
    const fault = one.type === undefined ? undefined : FAULTS[one.type]
    if (fault !== undefined) return fault
  }
  return 'network'
}

/** The protocol's name of an error, where the broker has sent one. */
export function typeOf(error: unknown): string | undefined {
  for (const { type } of causesOf(error)) if (type !== undefined) return type
  return undefined
}

/** What a fatal error is told as. */
export function fatalError(error: unknown): TidemillError {
  if (error instanceof TidemillError) return error
  const isAccess = causesOf(error).some(({ name, type }) => ACCESS.test(`${name} ${type}`))
  return new TidemillError(isAccess ? 'ACCESS_REFUSED' : 'REFUSED', `the broker refuses: ${messageOf(error)}`, {
    cause: error,
  })
}

interface Told {
  readonly name?: string
  readonly type?: string
  readonly cause?: unknown
}

/** kafkajs wraps what the broker said, sometimes more than once. */
function causesOf(error: unknown): Told[] {
  const causes: Told[] = []
  for (let one = error; typeof one === 'object' && one !== null && causes.length < MAX_DEPTH; ) {
    causes.push(one as Told)
    one = (one as Told).cause
  }
  return causes
}
