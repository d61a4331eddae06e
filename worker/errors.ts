/** Every error of tidemill carries one of these codes. */
export const ERROR_CODES = [
  'CONFIG',
  'PERMANENT',
  'RETRY_LATER',
  'TIMEOUT',
  'SHUTDOWN',
  'LEASE_LOST',
  'INVALID_PAYLOAD',
  'UNROUTABLE',
  'REFUSED',
  'BLOCKED',
  'CONFIRM_TIMEOUT',
  'CONNECTION_LOST',
  'CONNECT_TIMEOUT',
  'CLOSED',
  'ACCESS_REFUSED',
  'UNREADABLE',
  'TOPOLOGY_CONFLICT',
  'TOPOLOGY_MISSING',
  'BACKLOG_UNREADABLE',
  'ILLEGAL_STATE',
  'DEFINITION',
  'NO_BROKER',
  'USAGE',
] as const
export type ErrorCode = (typeof ERROR_CODES)[number]

/** The base of tidemill's errors: a `code` from a closed list, and the `cause` where there is one. */
export class TidemillError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** Thrown by a handler: trying again can't help. The job is dead-lettered at once, reason `permanent`. */
export class PermanentError extends TidemillError {
  constructor(message: string, options?: ErrorOptions) {
    super('PERMANENT', message, options)
  }
}

/** Thrown by a handler: try again after about `delayMs`, on one of the two rungs around it. Counts as an attempt. */
export class RetryLater extends TidemillError {
  readonly delayMs: number

  /** @param delayMs milliseconds, finite and not negative; a RangeError says what came instead */
  constructor(delayMs: number, message = `try again in ${delayMs} ms`, options?: ErrorOptions) {
    super('RETRY_LATER', message, options)
    if (!Number.isFinite(delayMs) || delayMs < 0) {
      throw new RangeError(`RetryLater: expected a delay in milliseconds, 0 or more, got ${delayMs}`)
    }
    this.delayMs = delayMs
  }
}

/** The reason of a job's signal when its time is over. The job is retried. */
export class TimeoutError extends TidemillError {
  constructor(timeoutMs: number) {
    super('TIMEOUT', `the job took longer than its timeout of ${timeoutMs} ms`)
  }
}

/** The reason of a job's signal when the worker stops before the job is done. The job is given back and costs no attempt. */
export class ShutdownError extends TidemillError {
  constructor(message = 'the worker is stopping') {
    super('SHUTDOWN', message)
  }
}

/** The reason of a job's signal when the broker has taken the job back. Whatever the handler still does, the job comes again. */
export class LeaseLostError extends TidemillError {
  constructor(message = 'the broker has taken the job back', options?: ErrorOptions) {
    super('LEASE_LOST', message, options)
  }
}

/** A body that can't be decoded or does not fit its schema. The job is dead-lettered, reason `invalid-payload`. */
export class InvalidPayloadError extends TidemillError {
  constructor(message: string, options?: ErrorOptions) {
    super('INVALID_PAYLOAD', message, options)
  }
}

/** A configuration with faults, all of them named in the message. */
export class ConfigError extends TidemillError {
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(
      'CONFIG',
      `the configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n${faults.map((f) => `  - ${f}`).join('\n')}`,
    )
    this.faults = faults
  }
}

/** Any thrown value as an Error; never throws itself, whatever was thrown. */
export function toError(thrown: unknown): Error {
  try {
    if (thrown instanceof Error) return thrown
    return new Error(`a value that is no Error was thrown: ${typeof thrown === 'string' ? thrown : describe(thrown)}`)
  } catch {
    return new Error('a value that can not be read was thrown')
  }
}

const MESSAGE_LIMIT = 2048

/** The error's message, bounded to 2,048 characters; never throws, also where `message` is a hostile getter. */
export function messageOf(thrown: unknown): string {
  try {
    const message = String(toError(thrown).message)
    return message.length > MESSAGE_LIMIT ? `${message.slice(0, MESSAGE_LIMIT - 1)}…` : message
  } catch {
    return 'an error whose message can not be read'
  }
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  return typeof value === 'object' ? Object.prototype.toString.call(value) : String(value)
}
