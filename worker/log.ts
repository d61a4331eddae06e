import { type DestinationStream, destination, type Logger as Pino, pino, stdTimeFunctions } from 'pino'
import type { Logger, Message, Observer, WorkerEvent } from './contracts.ts'
import { messageOf } from './errors.ts'
import { HIDDEN, redactor } from './redact.ts'

export interface LogOptions {
  /** Less than this is not logged. */
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** A file descriptor, 1 or 2, or a stream of one's own. Default 1. Lines are written synchronously, so that none is lost when the process ends. */
  readonly to?: 1 | 2 | DestinationStream
  /** Literal secrets that no line may show, besides the passwords of URLs. */
  readonly secrets?: readonly (string | undefined)[]
  /** Fields of every line. */
  readonly fields?: Readonly<Record<string, unknown>>
}

/** A logger that can also tell whether a level is on. */
export interface Log extends Logger {
  isLevelEnabled(level: string): boolean
}

const MESSAGE_LIMIT = 2_048
const STACK_LIMIT = 8_192
const LINE_LIMIT = 32_768
const SECRET_FIELDS = ['password', 'token', 'secret', 'authorization']

/** JSON lines, one an event: `level` and `time` (ISO 8601) as text, the error as `err`, the sentence as `msg`. */
export function createLog({ level, to = 1, secrets = [], fields = {} }: LogOptions): Log {
  const redact = redactor(secrets)
  const stream = typeof to === 'number' ? destination({ dest: to, sync: true }) : to
  const log: Pino = pino(
    {
      level,
      base: { ...fields },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: errorField, error: errorField },
      depthLimit: 6,
      edgeLimit: 100,
      redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`]), censor: HIDDEN },
      // The finished line, so that no field, message or stack can get past it.
      hooks: { streamWrite: (line) => redact(bounded(line)) },
    },
    stream,
  )
  return log
}

function errorField(value: unknown): unknown {
  return value instanceof Error ? errorFields(value, 0) : value
}

/** An error as JSON: `type`, `code`, `message`, `stack` and up to four causes, each bounded. */
function errorFields(error: Error, depth: number): unknown {
  try {
    const { name, code, stack, cause } = error as Error & { code?: unknown }
    return {
      type: name,
      ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
      message: messageOf(error),
      ...(typeof stack === 'string' && { stack: stack.slice(0, STACK_LIMIT) }),
      ...(cause !== undefined &&
        depth < 4 && { cause: cause instanceof Error ? errorFields(cause, depth + 1) : cause }),
    }
  } catch {
    return { type: 'Error', message: messageOf(error) }
  }
}

function bounded(line: string): string {
  if (line.length <= LINE_LIMIT) return line
  const { level, time, msg } = JSON.parse(line) as { level: string; time: string; msg?: string }
  const short = typeof msg === 'string' ? msg.slice(0, MESSAGE_LIMIT) : undefined
  return `${JSON.stringify({ level, time, msg: short, cut: `the line had ${line.length} characters` })}\n`
}

interface Line {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly text: string
  readonly fields: object
}

/** Writes what happens to the log: rare events by their weight, dead letters at `warn`, other jobs at `debug` only. */
export function logObserver(log: Log): Observer {
  const verbose = log.isLevelEnabled('debug')
  return {
    started(message, type, waitMs) {
      if (verbose) log.debug({ ...job(message), type, waitMs }, 'job started')
    },
    settled(message, type, outcome, runMs, written) {
      if (outcome.kind === 'dead' && written) {
        log.warn({ ...job(message), reason: outcome.reason, error: outcome.error }, DEAD)
      } else if (verbose) {
        log.debug({ ...job(message), type, ...outcome, outcome: outcome.kind, runMs, written }, 'job settled')
      }
    },
    event(event) {
      const { level, fields, text } = lineOf(event)
      log[level](fields, text)
    },
  }
}

const DEAD = 'job dead-lettered'

function job(message: Message) {
  return { id: clip(message.id), type: clip(message.type), attempt: message.attempt }
}

function clip(text: string): string {
  return text.length > 255 ? `${text.slice(0, 254)}…` : text
}

const debug = (text: string, fields: object): Line => ({ level: 'debug', text, fields })
const info = (text: string, fields: object = {}): Line => ({ level: 'info', text, fields })
const warn = (text: string, fields: object = {}): Line => ({ level: 'warn', text, fields })
const error = (text: string, fields: object = {}): Line => ({ level: 'error', text, fields })

/** A switch without a default: an event that is added to the contracts must be worded here. */
function lineOf(event: WorkerEvent): Line {
  switch (event.name) {
    case 'state':
      return info(`worker ${event.to}`, { from: event.from, state: event.to })
    case 'connection':
      return connectionLine(event)
    case 'consumer-lost':
      return warn('the broker took the consumer away; consuming again', { reason: event.reason })
    case 'assignment':
      return info('the partitions were shared out anew', {
        assigned: event.assigned,
        gained: event.gained,
        lost: event.lost,
      })
    case 'offsets-missing':
      return info(
        event.to === 'earliest'
          ? 'partitions without a committed offset begin with the earliest job'
          : 'partitions without a committed offset begin with the next job that is sent: what they hold is skipped',
        { topic: event.topic, partitions: event.partitions },
      )
    case 'offset-reset':
      return error(`the log does not hold the next job any more: the partition begins anew at the ${event.to} one`, {
        partition: event.partition,
        offset: event.offset,
      })
    case 'progress-unreadable':
      return warn("what was noted of a partition's progress can't be used: jobs may run again", {
        partition: event.partition,
        reason: event.reason,
      })
    case 'topology-fault':
      return error('the queue is not set up as this worker needs it; run: tidemill topology apply <worker file>', {
        faults: event.faults,
      })
    case 'blocked':
      return event.blocked
        ? warn('the broker blocks publishers: retries and dead letters wait', { reason: event.reason })
        : info('the broker accepts publishers again')
    case 'held':
      return event.held
        ? warn("retries and dead letters can't be written: jobs are held, none is pulled", held(event))
        : info('retries and dead letters can be written again', held(event))
    case 'late-settlement':
      return warn('a job was settled after the broker had taken it back: it comes again', job(event.message))
    case 'suspect':
      return suspectLine(event)
    case 'dead':
      return warn(DEAD, { ...job(event.message), reason: event.reason })
    case 'deferred':
      return debug('a job over the limit of its type was put off', job(event.message))
    case 'stuck':
      return error('a handler ignores its abort: its slot was freed without it', stuck(event))
    case 'limit':
      return limitLine(event)
    case 'thread-replaced':
      return threadLine(event)
    case 'unstuck':
      return info('a handler that ignored its abort has ended after all', stuck(event))
    case 'drain':
      return drainLine(event)
  }
}

type EventOf<Name extends WorkerEvent['name']> = Extract<WorkerEvent, { name: Name }>

function connectionLine({ role, status, error: cause, retryInMs, peer }: EventOf<'connection'>): Line {
  if (status === 'connected') return info('connected to the broker', { role, peer })
  const text = status === 'lost' ? 'the connection to the broker was lost' : "can't connect to the broker"
  return warn(text, { role, retryInMs, ...(cause !== undefined && { error: messageOf(cause) }) })
}

function limitLine({ name: _, ...fields }: EventOf<'limit'>): Line {
  return fields.reason === 'recovered'
    ? info('all is well: more jobs are begun again', fields)
    : warn('too much at once: fewer jobs are begun, what runs goes on', fields)
}

function threadLine({ cause, error: err }: EventOf<'thread-replaced'>): Line {
  return cause === 'aborted'
    ? warn('a job did not yield to its abort: its thread was ended, another one takes its place')
    : error('a thread for jobs died, another one takes its place', { err })
}

const SUSPECT_LINES = {
  moved: 'a job that was delivered again and again is now a suspect: it will run alone',
  running: 'a suspect runs alone',
  condemned: 'a suspect crashed its worker too often',
} as const

function suspectLine({ action, message, crashes }: EventOf<'suspect'>): Line {
  return (action === 'running' ? info : warn)(SUSPECT_LINES[action], { ...job(message), crashes })
}

function drainLine({ phase, inFlight, abandoned, elapsedMs }: EventOf<'drain'>): Line {
  const fields = { inFlight, abandoned, elapsedMs: Math.round(elapsedMs) }
  if (phase === 'begun') return info('draining: no more jobs are pulled', fields)
  if (phase === 'aborting') return warn('aborting the jobs that still run', fields)
  return abandoned > 0 ? warn('drained, with jobs given back unfinished', fields) : info('drained', fields)
}

function held({ jobs, reason }: EventOf<'held'>) {
  return { jobs, reason }
}

function stuck(event: EventOf<'stuck'> | EventOf<'unstuck'>) {
  return { ...job(event.message), stuck: event.stuck }
}
