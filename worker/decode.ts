import { isUtf8 } from 'node:buffer'
import { gunzipSync } from 'node:zlib'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Message } from './contracts.ts'
import type { Codec } from './define.ts'
import { InvalidPayloadError, messageOf } from './errors.ts'

/** Bounds of a body, checked before anything of it is looked at. */
export interface BodyLimits {
  /** In bytes, before and after decompression. */
  readonly maxBodyBytes: number
  /** Nested objects and lists. */
  readonly maxDepth: number
}

interface Decodable {
  readonly schema?: StandardSchemaV1<any, any>
  readonly codec?: Codec
}

/**
 * A message's body as its job's payload: size, compression, charset, JSON (or the job's codec), depth, keys that could
 * reach a prototype, schema. Returns a promise only where the schema validates asynchronously.
 * @throws InvalidPayloadError (or rejects with it), saying what was expected and what came
 */
export function decode(message: Message, job: Decodable, limits: BodyLimits): unknown {
  const body = inflate(message, limits.maxBodyBytes)
  const value = job.codec === undefined ? parse(body, limits.maxDepth) : decodeWith(job.codec, body)
  return job.schema === undefined ? value : validate(job.schema, value)
}

function inflate(message: Message, maxBodyBytes: number): Uint8Array {
  const { body, contentEncoding } = message
  if (body.byteLength > maxBodyBytes) {
    throw new InvalidPayloadError(
      `the body is too large: expected at most ${maxBodyBytes} bytes, got ${body.byteLength}`,
    )
  }
  if (contentEncoding === undefined || contentEncoding === '' || contentEncoding === 'identity') return body
  if (contentEncoding !== 'gzip') {
    const got = JSON.stringify(contentEncoding.slice(0, 80))
    throw new InvalidPayloadError(`the content encoding is unknown: expected gzip, identity or none, got ${got}`)
  }
  try {
    return gunzipSync(body, { maxOutputLength: maxBodyBytes })
  } catch (error) {
    throw new InvalidPayloadError(`the body is no gzip of at most ${maxBodyBytes} bytes: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

function parse(body: Uint8Array, maxDepth: number): unknown {
  if (!isUtf8(body)) throw new InvalidPayloadError('the body is not valid UTF-8')
  const bytes = body instanceof Buffer ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const text = bytes.toString('utf8', startsWithMark(bytes) ? 3 : 0)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const got = text.length === 0 ? 'an empty body' : messageOf(error)
    throw new InvalidPayloadError(`the body is not JSON: ${got}`, { cause: error })
  }
  if (typeof value === 'object' && value !== null) inspect(value, maxDepth)
  return value
}

/** A byte order mark may be ignored: RFC 8259, section 8.1. */
function startsWithMark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
}

function inspect(value: object, levels: number): void {
  if (levels === 0) throw new InvalidPayloadError('the body is nested too deeply')
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object' && item !== null) inspect(item, levels - 1)
    return
  }
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key]
    const reachesPrototype =
      key === '__proto__' ||
      (key === 'constructor' && typeof item === 'object' && item !== null && Object.hasOwn(item, 'prototype'))
    if (reachesPrototype) throw new InvalidPayloadError(`the body has a key that could reach a prototype: ${key}`)
    if (typeof item === 'object' && item !== null) inspect(item, levels - 1)
  }
}

function decodeWith(codec: Codec, body: Uint8Array): unknown {
  try {
    return codec.decode(body)
  } catch (error) {
    throw new InvalidPayloadError(`the body is not ${codec.contentType}: ${messageOf(error)}`, { cause: error })
  }
}

/** The value as the schema gives it back. @throws InvalidPayloadError (or rejects with it) naming the first issues and where they are */
export function validate(schema: StandardSchemaV1<any, any>, value: unknown): unknown {
  let result: ReturnType<(typeof schema)['~standard']['validate']>
  try {
    result = schema['~standard'].validate(value)
  } catch (error) {
    throw failed(error)
  }
  if (!(result instanceof Promise)) return accepted(result)
  return result.then(accepted, (error) => {
    throw failed(error)
  })
}

const ISSUES_SHOWN = 5

function accepted(result: StandardSchemaV1.Result<unknown>): unknown {
  if (result.issues === undefined) return result.value
  const shown = result.issues.slice(0, ISSUES_SHOWN).map((issue) => {
    const path = issue.path?.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
    return path ? `${path}: ${issue.message}` : issue.message
  })
  const more = result.issues.length > ISSUES_SHOWN ? `, and ${result.issues.length - ISSUES_SHOWN} more` : ''
  throw new InvalidPayloadError(`the payload does not fit its schema: ${shown.join('; ')}${more}`)
}

function failed(error: unknown): InvalidPayloadError {
  return new InvalidPayloadError(`the schema failed on the payload: ${messageOf(error)}`, { cause: error })
}
