import type { Job } from '../define.ts'
import {
  ERROR_CODES,
  type ErrorCode,
  InvalidPayloadError,
  messageOf,
  PermanentError,
  RetryLater,
  TidemillError,
  toError,
} from '../errors.ts'

/** One job for a thread. */
export interface ThreadTask {
  /** Names this run among all of the process, for its abort. */
  readonly run: number
  /** The module's URL. */
  readonly module: string
  readonly job: Job<unknown>
}

/** Modules that a thread shall load and look through, with the job type of each. */
export interface LoadTask {
  readonly modules: readonly { readonly type: string; readonly module: string }[]
}

/** What the worker's thread tells all others: one run is to abort. */
export interface Abort {
  readonly run: number
  readonly reason: PackedError
}

/** A line for the log of the worker's thread. */
export interface Line {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  /** The fields as JSON, bounded. */
  readonly fields: string
  readonly message: string | undefined
}

/** What each thread is started with. */
export interface ThreadData {
  /** The channel on which aborts are told. */
  readonly channel: string
  /** See LineGate. */
  readonly lines: SharedArrayBuffer
}

/** An error as data: bounded, and without a class. */
export interface PackedError {
  readonly type: string
  readonly message: string
  readonly code?: string | number
  readonly stack?: string
  /** Of a RetryLater. */
  readonly delayMs?: number
  readonly cause?: PackedError
}

const NAME_LIMIT = 255
const STACK_LIMIT = 8_192
const CAUSES = 4

/** Packs whatever was thrown. Never throws itself. */
export function packError(thrown: unknown, causes = CAUSES): PackedError {
  const error = toError(thrown)
  const message = messageOf(error)
  try {
    const { name, code, stack, cause, delayMs } = error as Error & { code?: unknown; delayMs?: unknown }
    return {
      type: String(name).slice(0, NAME_LIMIT),
      message,
      ...(typeof code === 'string' && { code: code.slice(0, NAME_LIMIT) }),
      ...(typeof code === 'number' && { code }),
      ...(typeof stack === 'string' && { stack: stack.slice(0, STACK_LIMIT) }),
      ...(typeof delayMs === 'number' && { delayMs }),
      ...(cause !== undefined && causes > 0 && { cause: packError(cause, causes - 1) }),
    }
  } catch {
    return { type: 'Error', message }
  }
}

/** An error that means to a worker what the packed one did: the same code, and where that matters the same class. */
export function unpackError(packed: PackedError): Error {
  const error = sameKind(packed)
  // The name of a class that only the other thread has, and the place there: this one says nothing.
  Object.defineProperty(error, 'name', { value: packed.type, configurable: true, writable: true })
  if (packed.stack !== undefined) error.stack = packed.stack
  return error
}

function sameKind({ message, code, delayMs, cause }: PackedError): Error {
  const options = cause && { cause: unpackError(cause) }
  switch (code) {
    case 'PERMANENT':
      return new PermanentError(message, options)
    case 'INVALID_PAYLOAD':
      return new InvalidPayloadError(message, options)
    case 'RETRY_LATER':
      if (delayMs !== undefined && delayMs >= 0 && delayMs < Number.POSITIVE_INFINITY) {
        return new RetryLater(delayMs, message, options)
      }
  }
  if (ERROR_CODES.includes(code as ErrorCode)) return new TidemillError(code as ErrorCode, message, options)
  return Object.assign(new Error(message, options), code !== undefined && { code })
}
