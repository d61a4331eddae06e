import type { BrokerSettings, WorkerEvent } from '../../contracts.ts'
import { TidemillError } from '../../errors.ts'
import { Reconnection } from '../reconnection.ts'
import { settledWithin, within } from '../waiting.ts'
import type { Copy } from './copy.ts'
import { Directory } from './directory.ts'
import { faultOf } from './faults.ts'
import { produce, type Stored } from './produce.ts'
import { notSent, refusalOf, refused, topicFault, undecided } from './publish-errors.ts'
import type { Pending } from './publish-lane.ts'
import { type Load, PublishLanes } from './publish-lanes.ts'

export interface PublisherOptions {
  readonly settings: BrokerSettings
  readonly observe: (event: WorkerEvent) => void
  /** How long a record waits for a connection before it is given back. */
  readonly patienceMs: number
  /** Told when records can be written again. */
  readonly onWritable?: () => void
}

/** How long the broker may wait for its replicas, at most; its answer is waited for longer. */
const MAX_REPLICATION_MS = 30_000
/** What disconnecting gets, however little is left of the time for closing. */
const MIN_CLOSE_MS = 100
const REFUSED_DELAY_MS = 5_000
/** Before a topic without leaders is looked at again. */
const LOOK_AGAIN_MS = 100

/**
 * Publishes records with the confirm of all in-sync replicas. What is asked for in one turn of the event loop, and while a
 * request is under way, goes out together, in order for each partition; a record that is not taken takes no other with it.
 * What the broker does not answer, or may take later, is sent again: it may be stored twice, and never in silence not at all.
 */
export class Publisher {
  readonly #options: PublisherOptions
  readonly #connections: Reconnection<Directory>
  /** All that is not settled, by when it was asked for. */
  readonly #open = new Set<Pending>()
  readonly #lanes = new PublishLanes()
  /** Leaders with a request under way. */
  readonly #busy = new Set<number>()
  /** Asked for, and not yet given to a lane. */
  #fresh: Pending[] = []
  #directory: Directory | undefined
  #unwritableSince = performance.now()
  #turn: NodeJS.Immediate | undefined
  #wake: NodeJS.Timeout | undefined
  #sweep: NodeJS.Timeout | undefined
  #isRouting = false
  /** True when leaders may have changed. */
  #isStale = false
  #closed = false
  #idle: (() => void) | undefined

  constructor(options: PublisherOptions) {
    const { settings, observe } = options
    this.#options = options
    this.#connections = new Reconnection({
      role: 'publish',
      observe,
      dial: (cancel) => Directory.open(settings, cancel),
      serve: (directory) => this.#serve(directory),
      // Trying again soon would only lock the account.
      penaltyMs: (error) => (faultOf(error) === 'fatal' ? REFUSED_DELAY_MS : 0),
    })
  }

  get writable(): boolean {
    return this.#directory !== undefined
  }

  /** Connects ahead of the first record. Idempotent. */
  open(): void {
    if (!this.#closed) this.#connections.open()
  }

  /** Resolves when all in-sync replicas have the record. Rejects with a TidemillError, as `Sink.send` does. */
  publish(copy: Copy): Promise<void> {
    if (this.#closed) return Promise.reject(new TidemillError('CLOSED', 'the connection for publishing is closed'))
    this.open()
    return new Promise((resolve, reject) => {
      const since = performance.now()
      const pending = { copy, resolve, reject, since, writtenAt: undefined, code: undefined, settled: false }
      this.#open.add(pending)
      this.#fresh.push(pending)
      this.#schedule()
      this.#watch()
    })
  }

  /** Waits for what is not confirmed, at most `timeoutMs`, and disconnects. Idempotent, never rejects. */
  async close(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs
    this.#closed = true
    if (this.#open.size > 0 && this.writable) {
      await settledWithin(new Promise<void>((resolve) => (this.#idle = resolve)), timeoutMs)
    }
    this.#connections.stop()
    await this.#directory?.close(Math.max(MIN_CLOSE_MS, deadline - performance.now()))
    await this.#connections.ended()
    clearImmediate(this.#turn)
    clearTimeout(this.#wake)
    clearTimeout(this.#sweep)
    for (const pending of this.#open) {
      const isWritten = pending.writtenAt !== undefined
      const message = isWritten ? 'the connection was closed before the confirm' : 'closed before the record was sent'
      this.#reject(pending, new TidemillError(isWritten ? 'CONNECTION_LOST' : 'CLOSED', message))
    }
  }

  async #serve(directory: Directory): Promise<unknown> {
    this.#directory = directory
    this.#options.observe({ name: 'connection', role: 'publish', status: 'connected', peer: directory.peer })
    this.#schedule()
    this.#options.onWritable?.()
    const reason = await directory.lost
    this.#directory = undefined
    this.#unwritableSince = performance.now()
    return reason
  }

  /** Goes on at the end of this turn of the event loop. */
  #schedule(): void {
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined
      if (this.#directory !== undefined && !this.#isRouting) void this.#work(this.#directory)
    })
  }

  async #work(directory: Directory): Promise<void> {
    this.#isRouting = true
    try {
      const topics = [...new Set(this.#fresh.map(({ copy }) => copy.topic))]
      const isUrgent = this.#isStale
      this.#isStale = false
      await directory.look(topics, isUrgent)
      this.#route(directory)
      this.#dispatch(directory)
    } catch (error) {
      // Who can't be asked for the leaders can't be written to.
      directory.fail(error)
    } finally {
      this.#isRouting = false
    }
    if (this.#fresh.length > 0) this.#schedule()
  }

  /** Gives each record to the lane of its partition. */
  #route(directory: Directory): void {
    const fresh = this.#fresh
    this.#fresh = []
    const waiting: Pending[] = []
    for (const pending of fresh) {
      if (pending.settled) continue
      const { topic } = pending.copy
      const state = directory.stateOf(topic)
      const fault = state === undefined ? undefined : topicFault(topic, state.error)
      if (fault !== undefined) this.#reject(pending, fault)
      else if (state === undefined || state.leaders.length === 0) waiting.push(pending)
      else this.#lanes.add(pending, state)
    }
    if (waiting.length > 0) setTimeout(() => this.#refresh(waiting), LOOK_AGAIN_MS)
  }

  #refresh(waiting: readonly Pending[]): void {
    this.#fresh = [...waiting, ...this.#fresh]
    this.#schedule()
  }

  #dispatch(directory: Directory): void {
    const now = performance.now()
    const { byLeader, stranded, isLeaderless, nextAt } = this.#lanes.take(directory, this.#busy, now)
    for (const [pending, fault] of stranded) this.#reject(pending, fault)
    if (isLeaderless) this.#isStale = true
    for (const [leader, loads] of byLeader) void this.#send(directory, leader, loads)
    if (nextAt === Number.POSITIVE_INFINITY) return
    clearTimeout(this.#wake)
    this.#wake = setTimeout(() => this.#schedule(), nextAt - now)
  }

  async #send(directory: Directory, leader: number, loads: readonly Load[]): Promise<void> {
    const { confirmTimeoutMs } = this.#options.settings
    this.#busy.add(leader)
    for (const { lane } of loads) lane.busy = true
    let answers: readonly Stored[] = []
    try {
      const broker = await directory.broker(leader)
      const now = performance.now()
      for (const { batch } of loads) for (const pending of batch) pending.writtenAt ??= now
      const batches = loads.map(({ lane: { topic, partition }, batch }) => {
        return { topic, partition, records: batch.map(({ copy }) => copy) }
      })
      const request = produce(broker, batches, Math.min(confirmTimeoutMs, MAX_REPLICATION_MS))
      answers = await within(request, confirmTimeoutMs, 'a confirm')
    } catch (error) {
      // A broker that owes an answer will not do for the next request.
      if (error instanceof TidemillError) directory.fail(error)
      this.#isStale = true
    }
    this.#busy.delete(leader)
    for (const load of loads) {
      load.lane.busy = false
      const { topic, partition } = load.lane
      const answer = answers.find((one) => one.partition === partition && one.topic === topic)
      this.#answered(load, answer?.error)
    }
    this.#schedule()
    if (this.#open.size === 0) this.#idle?.()
  }

  /** `code`: what the broker says of the batch; undefined where it says nothing. */
  #answered({ lane, batch }: Load, code: number | undefined): void {
    if (code === 0) {
      lane.succeeded()
      for (const pending of batch) this.#confirm(pending)
      return
    }
    for (const pending of batch) pending.code = code
    const refusal = code === undefined ? 'again' : refusalOf(code)
    if (code === undefined || refusal === 'again') {
      this.#isStale = true
      lane.failed(batch, performance.now())
    } else if (refusal === 'apart' && batch.length > 1) lane.split(batch)
    else for (const pending of batch) this.#reject(pending, refused(lane.topic, code))
  }

  #confirm(pending: Pending): void {
    pending.settled = true
    this.#open.delete(pending)
    pending.resolve()
  }

  #reject(pending: Pending, error: TidemillError): void {
    if (pending.settled) return
    pending.settled = true
    this.#open.delete(pending)
    pending.reject(error)
  }

  #watch(): void {
    if (this.#sweep !== undefined) return
    const leastMs = Math.min(this.#options.settings.confirmTimeoutMs, this.#options.patienceMs)
    const everyMs = Math.max(10, Math.min(500, leastMs / 10))
    this.#sweep = setTimeout(() => {
      this.#sweep = undefined
      this.#expire(performance.now(), leastMs)
      if (this.#open.size > 0) this.#watch()
    }, everyMs)
  }

  #expire(now: number, leastMs: number): void {
    const { patienceMs, settings } = this.#options
    const { confirmTimeoutMs } = settings
    for (const pending of this.#open) {
      if (pending.since + leastMs > now) break
      const { copy, since, writtenAt, code } = pending
      if (writtenAt === undefined && !this.writable) {
        if (Math.max(since, this.#unwritableSince) + patienceMs > now) continue
        this.#reject(pending, notSent(patienceMs, this.#connections.lastError))
      } else if ((writtenAt ?? since) + confirmTimeoutMs <= now) {
        this.#reject(pending, undecided(copy.topic, confirmTimeoutMs, code, writtenAt !== undefined))
      }
    }
    if (this.#open.size === 0) this.#idle?.()
  }
}
