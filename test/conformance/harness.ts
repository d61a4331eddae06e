import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type {
  BacklogReading,
  Broker,
  BrokerSettings,
  Delivery,
  Features,
  Outcome,
  Outgoing,
  Source,
  WorkerEvent,
} from '../../worker/contracts.ts'
import { TidemillError } from '../../worker/errors.ts'
import { within as waitAtMost } from '../helpers/wait.ts'

/** A message as a foreign producer writes it and as an operator finds it among the dead letters. */
export interface RawMessage {
  readonly messageId?: string | undefined
  readonly type?: string | undefined
  readonly contentType?: string | undefined
  readonly contentEncoding?: string | undefined
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Uint8Array
}

/** One queue of a broker under test. */
export interface Room {
  readonly broker: Broker
  readonly settings: BrokerSettings
  /** What the broker's parts told their observer, oldest first. */
  readonly events: readonly WorkerEvent[]
  /** Publishes raw into the work queue; resolves when it is there. */
  publish(message: RawMessage): Promise<void>
  /** Takes what is in the dead-letter queue now. */
  dead(): Promise<readonly RawMessage[]>
  /** Cuts the connections of this room's sources, from the broker's side. */
  breakConnection(): Promise<void>
  /** What is delivered and not settled, for a broker whose own backlog can't know it. */
  unacknowledged?(): Promise<number | undefined>
  /** Undone after the test, the last one first, before the room itself. */
  defer(undo: () => unknown): void
}

/** What the suite needs to know of a broker under test. */
export interface Harness {
  readonly features: Features
  /** Opens a queue of its own for one test, its topology applied unless `topology` is false; undone after the test. */
  open(t: TestContext, overrides?: Partial<BrokerSettings>, options?: { topology: boolean }): Promise<Room>
}

/** The settings of a room: short waits, one short rung. */
export const SETTINGS: Omit<BrokerSettings, 'brokerUrl' | 'queue'> = {
  brokerUsername: undefined,
  brokerPassword: undefined,
  managementUrl: undefined,
  tlsCaFile: undefined,
  tlsCertFile: undefined,
  tlsKeyFile: undefined,
  concurrency: 3,
  readAhead: 0,
  retryLadderMs: [100],
  defaultType: undefined,
  typeHeader: 'tidemill-type',
  crashLimit: 3,
  deliveryLimit: 50,
  deadMaxLength: undefined,
  connectTimeoutMs: 10_000,
  heartbeatMs: 15_000,
  confirmTimeoutMs: 10_000,
  blockedTimeoutMs: 10_000,
  settlePauseMs: 150,
  closeTimeoutMs: 5_000,
  suspectsPollMs: 200,
  consumerTimeoutMs: 1_800_000,
  consumerGroup: undefined,
  order: 'key',
  offsetReset: 'earliest',
  saslMechanism: 'scram-sha-512',
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 10_000,
  handOverMs: 2_000,
  commitCount: 100,
  commitIntervalMs: 50,
  maxSpan: 1_000,
  fetchBytes: 1024 * 1024,
  metadataMaxAgeMs: 5_000,
  topicPartitions: 1,
  replicationFactor: undefined,
}

export const ACK: Outcome = { kind: 'ack' }
export const RELEASE: Outcome = { kind: 'release' }
export const DEAD: Outcome = { kind: 'dead', reason: 'permanent', error: 'no such order' }
export const RETRY: Outcome = { kind: 'retry', delayMs: 100, reason: 'error', error: 'try again', counted: true }

/** A `defer` for this test: `t.after` would undo the first one first. */
export function deferrer(t: TestContext): (undo: () => unknown) => void {
  const stack = new AsyncDisposableStack()
  t.after(() => stack.disposeAsync())
  return (undo) => stack.defer(async () => void (await undo()))
}

const DEADLINE_MS = 20_000

/** What the promise resolves with; rejects, naming what did not happen, after 20 s. */
export function within<T>(what: string, promise: Promise<T>): Promise<T> {
  return waitAtMost(what, DEADLINE_MS, promise)
}

/** Reads again and again until what was read fits; the state of a broker has no event to wait on. */
export async function eventually<T>(what: string, read: () => T | Promise<T>, fits: (value: T) => boolean): Promise<T> {
  const deadline = performance.now() + DEADLINE_MS
  for (;;) {
    const value = await read()
    if (fits(value)) return value
    if (performance.now() > deadline) assert.fail(`expected ${what}, got ${JSON.stringify(value)}`)
    await pause(20)
  }
}

/** A source and the pull side of a worker, closed after the test. */
export class Feed {
  readonly source: Source
  readonly #iterator: AsyncIterator<Delivery>

  constructor(room: Room) {
    this.source = room.broker.source()
    room.defer(() => within('the source to close', this.source.close()))
    this.#iterator = this.source.deliveries()[Symbol.asyncIterator]()
  }

  next(): Promise<Delivery> {
    return within('a delivery', this.#iterator.next()).then(({ done, value }) => {
      assert.equal(done, false, 'expected a delivery, got the end')
      return value
    })
  }

  /** The next delivery or the end. */
  pull(): Promise<IteratorResult<Delivery>> {
    return within('a delivery or the end', this.#iterator.next())
  }

  async take(count: number): Promise<Delivery[]> {
    const taken: Delivery[] = []
    while (taken.length < count) taken.push(await this.next())
    return taken
  }

  /** Asserts that the deliveries have ended or do so now. */
  async end(): Promise<void> {
    const pulled = await within('the deliveries to end', this.#iterator.next())
    assert.equal(pulled.done, true, 'expected the end, got a delivery')
  }
}

/** A producer's job with a body of its own. */
export function jobOf(id: string, more: Partial<Outgoing> = {}): Outgoing {
  const body = Buffer.from(JSON.stringify({ id }))
  return { id, type: 'test', body, contentType: 'application/json', enqueuedAt: 1_764_000_000_000, ...more }
}

/** Sends jobs with these ids, one after the other. */
export async function send(room: Room, ...ids: readonly string[]): Promise<void> {
  const sink = room.broker.sink()
  room.defer(() => within('the sink to close', sink.close()))
  for (const id of ids) await within('the confirm', sink.send(jobOf(id)))
}

/**
 * Waits until the backlog has these figures. A figure that the broker can't know fits; where it can't tell jobs in hand from
 * those that wait, so many more are ready.
 */
export async function expectBacklog(
  room: Room,
  wanted: Partial<BacklogReading>,
  inHand = wanted.unacknowledged ?? 0,
): Promise<Partial<BacklogReading>> {
  const { separatesInFlight } = room.broker.features
  const figures = separatesInFlight || wanted.ready === undefined ? wanted : { ...wanted, ready: wanted.ready + inHand }
  const backlog = room.broker.backlog()
  room.defer(() => within('the backlog to close', backlog.close()))
  const read = async (): Promise<Partial<BacklogReading>> => {
    // While its connection is cut it can't be read; that it comes back is expected of it.
    const reading = await within('the reading', backlog.read()).catch(unlessUnreadable)
    if (figures.unacknowledged === undefined || reading.unacknowledged !== undefined) return reading
    return { ...reading, unacknowledged: await room.unacknowledged?.() }
  }
  return eventually(`a backlog of ${JSON.stringify(figures)}`, read, (reading) => {
    if (reading.readAt === undefined) return false
    return Object.entries(figures).every(([figure, expected]) => {
      const got = reading[figure as keyof BacklogReading]
      return got === undefined || got === expected
    })
  })
}

/** No figures, when that is what the error says. */
export function unlessUnreadable(error: unknown): Partial<BacklogReading> {
  if (error instanceof TidemillError && error.code === 'BACKLOG_UNREADABLE') return {}
  throw error
}

/** Waits until the observer was told of an event that fits. */
export function expectEvent(room: Room, what: string, fits: (event: WorkerEvent) => boolean): Promise<boolean> {
  return eventually(
    `the event '${what}'`,
    () => room.events.some(fits),
    (seen) => seen,
  )
}

/** A validator for `assert.rejects`: a TidemillError with this code. */
export function withCode(code: string) {
  return (error: unknown) => {
    assert.ok(error instanceof TidemillError, `expected a TidemillError, got ${error}`)
    assert.equal(error.code, code)
    return true
  }
}
