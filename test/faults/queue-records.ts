import assert from 'node:assert/strict'
import type { IHeaders } from 'kafkajs'
import { HEADER } from '../../worker/brokers/kafka/names.ts'
import type { Entry, Ledger } from '../load/ledger.ts'
import type { Stored } from '../load/topic-reader.ts'
import type { Place } from './commit-oracle.ts'

/** The records of a queue on Kafka: the jobs, and the copies of them that wait for a retry or are dead letters. */
export class QueueRecords {
  readonly #jobs: readonly Stored[]
  readonly #retries: readonly Stored[]
  readonly #dead: readonly Stored[]

  constructor(jobs: readonly Stored[], retries: readonly Stored[], dead: readonly Stored[]) {
    this.#jobs = jobs
    this.#retries = retries
    this.#dead = dead
  }

  /** Each record that a worker has to work on, with its beginning and its end: as the ledger has them, or as its copy tells. */
  places({ started, done }: Ledger): Place[] {
    const [begun, ended] = [firstOf(started), firstOf(done)]
    const retries = Map.groupBy(this.#retries, idOf)
    const dead = Map.groupBy(this.#dead, idOf)
    const placeOf = (stored: Stored, key: string | undefined): Place => {
      const { topic, partition, offset } = stored
      const id = idOf(stored)
      const copies = [
        ...(retries.get(id) ?? []).filter((copy) => attemptOf(copy) > attemptOf(stored)),
        ...(dead.get(id) ?? []),
      ]
      const endedAt = Math.min(...copies.map(timeOf), ended.get(id) ?? Number.POSITIVE_INFINITY)
      return {
        topic,
        partition,
        offset,
        id,
        key,
        startedAt: begun.get(id),
        endedAt: Number.isFinite(endedAt) ? endedAt : undefined,
      }
    }
    return [
      ...this.#jobs.map((stored) => placeOf(stored, stored.message.key?.toString('latin1'))),
      // What is tried again has left the order of its key.
      ...this.#retries.map((stored) => placeOf(stored, undefined)),
    ]
  }

  /** Every copy has the key and the value of its original, and all its headers but the number of the try. Returns how many copies there are. */
  assertCopies(): number {
    const originals = new Map(
      this.#jobs.map(({ topic, partition, offset, message }) => [`${topic} ${partition} ${offset}`, message]),
    )
    const copies = [...this.#retries, ...this.#dead]
    for (const { message } of copies) {
      const { key, value, headers = {} } = message
      const [topic, partition, offset] = [HEADER.topic, HEADER.partition, HEADER.offset].map((name) =>
        textOf(headers, name),
      )
      const original = originals.get(`${topic} ${partition} ${offset}`)
      assert.deepEqual([key, value], [original?.key, original?.value])
      const names = Object.keys(original?.headers ?? {}).filter((name) => name !== HEADER.attempt)
      for (const name of names) assert.deepEqual(headers[name], original?.headers?.[name], name)
    }
    return copies.length
  }
}

/** The id of a record's job. */
export function idOf({ message: { headers = {} } }: Stored): string {
  return textOf(headers, HEADER.id)
}

/** A header as text; of a name that comes again, the last. */
export function textOf(headers: IHeaders, name: string): string {
  const value = headers[name]
  return String((Array.isArray(value) ? value.at(-1) : value) ?? '')
}

function attemptOf({ message: { headers = {} } }: Stored): number {
  return Number(/^[1-9]\d*$/.exec(textOf(headers, HEADER.attempt))?.[0] ?? 1)
}

function timeOf({ message }: Stored): number {
  return Number(message.timestamp)
}

function firstOf(entries: readonly Entry[]): Map<string, number> {
  const first = new Map<string, number>()
  for (const { id, t } of entries) first.set(id, Math.min(first.get(id) ?? t, t))
  return first
}
