import assert from 'node:assert/strict'
import { type Header, textOf } from '../../worker/brokers/kafka/headers.ts'
import { HEADER } from '../../worker/brokers/kafka/names.ts'
import type { Stored } from '../load/kafka-hands.ts'
import type { Entry, Ledger } from '../load/ledger.ts'
import type { Place } from './commit-oracle.ts'

/** The records of a queue on Kafka: the jobs, and the copies of them that wait for a retry or are dead letters. */
export class QueueRecords {
  readonly jobs: readonly Stored[]
  readonly retries: readonly Stored[]
  readonly dead: readonly Stored[]

  constructor(jobs: readonly Stored[], retries: readonly Stored[], dead: readonly Stored[]) {
    this.jobs = jobs
    this.retries = retries
    this.dead = dead
  }

  /** Each record that a worker has to work on, with its beginning and its end: as the ledger has them, or as its copy tells. */
  places({ started, done }: Ledger): Place[] {
    const [begun, ended] = [firstOf(started), firstOf(done)]
    const [retries, dead] = [Map.groupBy(this.retries, idOf), Map.groupBy(this.dead, idOf)]
    const placeOf = (stored: Stored, key: string | undefined): Place => {
      const { topic, partition, record } = stored
      const id = idOf(stored)
      const next = (retries.get(id) ?? []).filter((copy) => attemptOf(copy) > attemptOf(stored))
      const copied = [...next, ...(dead.get(id) ?? [])].map((copy) => copy.record.timestamp)
      const endedAt = Math.min(...copied, ended.get(id) ?? Number.POSITIVE_INFINITY)
      return {
        topic,
        partition,
        offset: record.offset,
        id,
        key,
        startedAt: begun.get(id),
        endedAt: Number.isFinite(endedAt) ? endedAt : undefined,
      }
    }
    return [
      ...this.jobs.map((stored) => placeOf(stored, stored.record.key?.toString('latin1'))),
      // What is tried again has left the order of its key.
      ...this.retries.map((stored) => placeOf(stored, undefined)),
    ]
  }

  /** Every copy has the key and the value of its original, and its headers in their order but for the number of the try. Returns how many copies there are. */
  assertCopies(): number {
    const nameOf = (...place: unknown[]) => place.join(' ')
    const originals = new Map(
      this.jobs.map(({ topic, partition, record }) => [nameOf(topic, partition, record.offset), record]),
    )
    const copies = [...this.retries, ...this.dead]
    for (const { record } of copies) {
      const origin = [HEADER.topic, HEADER.partition, HEADER.offset].map((name) => textOf(record.headers, name))
      const original = originals.get(nameOf(...origin))
      assert.ok(original !== undefined, `there is no original at ${origin}`)
      assert.deepEqual([record.key, record.value], [original.key, original.value])
      const theirs = original.headers.filter(([name]) => name !== HEADER.attempt)
      assert.deepEqual(record.headers.slice(0, theirs.length), theirs)
    }
    return copies.length
  }
}

/** The id of a record's job. */
export function idOf({ record }: Stored): string {
  return textOf(record.headers, HEADER.id) ?? ''
}

/** All headers as text; of a name that comes again, the last. */
export function textsOf(headers: readonly Header[]): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(headers.map(([name, value]) => [name, value?.toString()]))
}

function attemptOf({ record }: Stored): number {
  return Number(/^[1-9]\d*$/.exec(textOf(record.headers, HEADER.attempt) ?? '')?.[0] ?? 1)
}

function firstOf(entries: readonly Entry[]): Map<string, number> {
  const first = new Map<string, number>()
  for (const { id, t } of entries) first.set(id, Math.min(first.get(id) ?? t, t))
  return first
}
