import type { Logger } from '../contracts.ts'
import { messageOf } from '../errors.ts'
import { type Line, packError } from './crossing.ts'

/** How many lines of all threads together may be on their way. */
const WAITING_LIMIT = 256
const FIELDS_LIMIT = 16_384
const MESSAGE_LIMIT = 2_048
const WAITING = 0
const DROPPED = 1

/**
 * Bounds the lines that are on their way from threads to the worker's thread, which takes them only between other work: two
 * counts in memory that all threads share. What is too much is dropped, and counted.
 */
export class LineGate {
  readonly buffer: SharedArrayBuffer
  readonly #counts: Int32Array

  constructor(buffer = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer
    this.#counts = new Int32Array(buffer)
  }

  /** False: the line is to be dropped. */
  enter(): boolean {
    if (Atomics.add(this.#counts, WAITING, 1) < WAITING_LIMIT) return true
    Atomics.sub(this.#counts, WAITING, 1)
    Atomics.add(this.#counts, DROPPED, 1)
    return false
  }

  /** One line has arrived. Returns how many were dropped since the last time. */
  leave(): number {
    Atomics.sub(this.#counts, WAITING, 1)
    return Atomics.exchange(this.#counts, DROPPED, 0)
  }
}

/** A logger whose lines go through the gate to `send`, with these fields first. */
export function threadLog(fields: object, gate: LineGate, send: (line: Line) => void): Logger {
  const write = (level: Line['level'], more: object, message: string | undefined): void => {
    if (!gate.enter()) return
    send({ level, fields: asJson({ ...fields, ...more }), message: message && String(message).slice(0, MESSAGE_LIMIT) })
  }
  return {
    debug: (more, message) => write('debug', more, message),
    info: (more, message) => write('info', more, message),
    warn: (more, message) => write('warn', more, message),
    error: (more, message) => write('error', more, message),
  }
}

function asJson(fields: object): string {
  try {
    const json = JSON.stringify(fields, (_key, value) => (value instanceof Error ? packError(value) : value))
    return json.length > FIELDS_LIMIT ? JSON.stringify({ cut: `the fields had ${json.length} characters` }) : json
  } catch (error) {
    return JSON.stringify({ unreadable: messageOf(error) })
  }
}
