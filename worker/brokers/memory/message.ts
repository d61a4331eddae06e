import type { Message, Outcome, Outgoing } from '../../contracts.ts'
import { deriveId } from '../../identity.ts'
import { HEADER } from '../wire.ts'

/** A message as the memory broker keeps it: properties, headers and body, in the form that README gives for RabbitMQ. */
export interface MemoryMessage {
  readonly messageId?: string | undefined
  readonly type?: string | undefined
  readonly contentType?: string | undefined
  readonly contentEncoding?: string | undefined
  readonly headers: Readonly<Record<string, string>>
  /** By reference: nobody copies it, nobody may change it. */
  readonly body: Uint8Array
}

type Copied = Extract<Outcome, { kind: 'retry' | 'dead' }>

const WHOLE = /^\d{1,15}$/

/** A producer's job as a message. */
export function wireOf(job: Outgoing): MemoryMessage {
  const headers = copyOf(job.headers ?? {})
  if (job.key !== undefined) headers[HEADER.key] = job.key
  headers[HEADER.enqueuedAt] = String(job.enqueuedAt)
  return { messageId: job.id, type: job.type, contentType: job.contentType, headers, body: job.body }
}

/** A foreign producer's message, its headers copied so that the producer can't change them afterwards. */
export function adopt(message: MemoryMessage): MemoryMessage {
  return { ...message, headers: copyOf(message.headers) }
}

/** What a worker sees of a message. */
export function viewOf(
  wire: MemoryMessage,
  redelivered: boolean,
  naming: { readonly typeHeader: string; readonly defaultType: string | undefined },
): Message {
  const headers = Object.freeze(copyOf(wire.headers))
  const type = wire.type ?? headers[naming.typeHeader] ?? naming.defaultType ?? ''
  return {
    id: wire.messageId ?? deriveId(type, wire.body),
    idDerived: wire.messageId === undefined,
    type,
    body: wire.body,
    contentType: wire.contentType,
    contentEncoding: wire.contentEncoding,
    key: headers[HEADER.key],
    headers,
    attempt: attemptOf(wire),
    enqueuedAt: numberOf(headers[HEADER.enqueuedAt]),
    redelivered,
  }
}

/** The copy that goes to the wait list or to the dead letters: the original with our headers added. */
export function copyFor(wire: MemoryMessage, outcome: Copied, nowMs: number): MemoryMessage {
  const headers = copyOf(wire.headers)
  const attempt = attemptOf(wire)
  if (outcome.kind === 'retry') {
    headers[HEADER.attempt] = String(outcome.counted ? attempt + 1 : attempt)
    headers[HEADER.retryReason] = outcome.reason
    if (outcome.error !== undefined) headers[HEADER.retryError] = outcome.error
  } else {
    headers[HEADER.attempt] = String(attempt)
    headers[HEADER.deadReason] = outcome.reason
    headers[HEADER.deadAt] = String(nowMs)
    if (outcome.error !== undefined) headers[HEADER.deadError] = outcome.error
  }
  return { ...wire, headers }
}

function attemptOf(wire: MemoryMessage): number {
  return Math.max(1, numberOf(wire.headers[HEADER.attempt]) ?? 1)
}

function numberOf(header: string | undefined): number | undefined {
  return header !== undefined && WHOLE.test(header) ? Number(header) : undefined
}

// Without a prototype a header named __proto__ is a header like any other.
function copyOf(headers: Readonly<Record<string, string>>): Record<string, string> {
  const copy: Record<string, string> = Object.create(null)
  for (const name of Object.keys(headers)) copy[name] = headers[name]!
  return copy
}
