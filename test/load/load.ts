import { setTimeout as pause } from 'node:timers/promises'
import type { WriteStream } from 'node:tty'
import type { JobDefinition } from '../../worker/define.ts'
import { seededRandom } from '../../worker/handlers/random.ts'
import { createProducer } from '../../worker/producer.ts'
import { Arrivals } from './arrivals.ts'
import { EventLog } from './events.ts'
import { Fleet } from './fleet.ts'
import { type Entry, LedgerWriter } from './ledger.ts'
import { counted } from './live-view.ts'
import { type LoadReport, recountLoad } from './load-report.ts'
import { type LoadFrame, LoadView } from './load-view.ts'
import type { LoadWorker } from './load-worker.ts'
import type { PlannedJob } from './plan.ts'
import { heldOf, type Stage } from './stage.ts'
import { Striker } from './striker.ts'
import { type StrikeCounts, strikesOf } from './strikes.ts'
import { LedgerTail } from './tail.ts'
import { figuresOf, type Wait } from './waits.ts'

/** What a load does, on a stage that stands. */
export interface LoadOptions {
  readonly stage: Stage
  /** Begins the id of every job. */
  readonly run: string
  readonly plan: readonly PlannedJob[]
  readonly job: JobDefinition<any, any, any>
  /** Starts a worker of that name. */
  readonly hire: (name: string, tail: LedgerTail) => LoadWorker
  readonly workers: number
  readonly strikes: StrikeCounts
  /** Restarts the broker. */
  readonly restart: () => Promise<void>
  readonly seed: number
  readonly duplicatesLimit: number
  /** The folder of the ledger. */
  readonly ledger: string
  readonly title: string
  /** Where the view goes. */
  readonly out: WriteStream
  /** Ends the load early: everything is taken down and the call rejects with the reason. */
  readonly signal: AbortSignal
}

const POLL_MS = 25
const READY_TIMEOUT_MS = 60_000
/** Nothing in any queue, nothing in hand, and no line for so long: what is missing then will not come. */
const QUIET_MS = 2_500
/** While the broker is down, the last reading stands. */
const FRESH_MS = 1_500
const STALLED_MS = 120_000
/** So often workers start again for what came back when the others had ended. */
const ROUNDS = 3
/** The view shows the waits of so many jobs. */
const RECENT = 1_000

/** Sends the jobs, strikes the workers and the broker, waits until all is settled, and counts from the ledger. */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const load = new Load(options)
  try {
    return await load.run()
  } finally {
    await load.close()
  }
}

class Load {
  readonly #options: LoadOptions
  readonly #ledger: LedgerWriter
  readonly #events: EventLog
  readonly #tail: LedgerTail
  readonly #fleet: Fleet
  readonly #arrivals: Arrivals
  readonly #producer: ReturnType<typeof createProducer>
  readonly #striker: Striker
  readonly #view: LoadView
  readonly #begun = new Set<string>()
  readonly #waits: Wait[] = []
  readonly #ending = new AbortController()
  #failure: { readonly error: unknown } | undefined
  #hasSent = false
  #isOver = false
  #movedAt = performance.now()
  #moved = 0

  constructor(options: LoadOptions) {
    const { stage, run, plan, job, ledger, strikes, seed, signal, out, restart } = options
    this.#options = options
    this.#ledger = new LedgerWriter(ledger)
    this.#events = new EventLog(ledger)
    this.#tail = new LedgerTail(ledger, (entry) => this.#onStart(entry))
    const stop = AbortSignal.any([signal, this.#ending.signal])
    const say = (sentence: string) => this.#view.say(sentence)
    this.#fleet = new Fleet({
      hire: (name) => options.hire(name, this.#tail),
      events: this.#events,
      say,
      graceMs: stage.settings.terminationGraceMs,
      progress: () => this.#tail.done,
    })
    this.#producer = createProducer({ broker: stage.broker, queue: stage.settings.queue })
    this.#arrivals = new Arrivals({ run, plan, job, producer: this.#producer, ledger: this.#ledger, signal: stop })
    this.#striker = new Striker({
      strikes: strikesOf(strikes, seed),
      fleet: this.#fleet,
      tail: this.#tail,
      events: this.#events,
      say,
      share: () => this.#arrivals.confirmed / plan.length,
      isIdle: () => stage.reading !== undefined && heldOf(stage.reading) === 0,
      isOver: () => this.#isOver || (this.#hasSent && this.#isSettled),
      random: seededRandom(seed),
      restart,
      losses: () => stage.losses,
      cut: () => stage.cut(),
      signal: stop,
    })
    this.#view = new LoadView(out, () => this.#frame())
  }

  async run(): Promise<LoadReport> {
    const { stage, plan } = this.#options
    stage.watch(() => this.#tail.lines)
    this.#view.say(`starting workers on the queue ${stage.settings.queue}`)
    await this.#hireAll()
    this.#view.say(`sending ${plan.length} jobs over ${((plan.at(-1)?.atMs ?? 0) / 1_000).toFixed(1)} s`)
    const sending = this.#guard(this.#arrivals.send()).then(() => {
      this.#hasSent = true
    })
    const striking = this.#guard(this.#striker.run())
    let stalled = await this.#untilOver()
    this.#isOver = true
    await sending
    await striking
    let left = await this.#endAll()
    // What a worker holds without working on it nobody can see, but here it comes back: lost is only what does not.
    for (let round = 0; left > 0 && stalled === undefined && round < ROUNDS; round++) {
      this.#view.say(`the broker got ${counted(left, 'job')} back: workers start again for them`)
      await this.#hireAll()
      stalled = await this.#untilOver()
      left = await this.#endAll()
    }
    for (const id of await stage.deadIds(this.#options.run)) this.#ledger.write('dead', id)
    return this.#recount(left, stalled)
  }

  /** Takes down whatever still stands. */
  async close(): Promise<void> {
    this.#ending.abort(new Error('the load has ended'))
    await this.#fleet.kill()
    this.#view.end()
    await this.#producer.close()
    await this.#tail.close()
    this.#ledger.close()
    this.#events.close()
  }

  /** Every job is done or dead, and the broker holds nothing. */
  get #isSettled(): boolean {
    const { reading } = this.#options.stage
    if (reading === undefined) return false
    return this.#tail.done + reading.dead >= this.#arrivals.confirmed && this.#holdsNothing
  }

  get #holdsNothing(): boolean {
    const { reading } = this.#options.stage
    if (reading === undefined || reading.ledgerLines !== this.#tail.lines) return false
    const isFresh = Date.now() - reading.readAt < FRESH_MS
    return isFresh && heldOf(reading) === 0 && this.#fleet.inFlight === 0
  }

  #onStart(entry: Entry): void {
    this.#fleet.onStart(entry)
    const { id, t } = entry
    if (this.#begun.has(id)) return
    this.#begun.add(id)
    // A worker can be faster than the confirm.
    const enqueuedAt = this.#arrivals.enqueuedAt.get(id) ?? t
    this.#waits.push({ enqueuedAt, waitMs: Math.max(0, t - enqueuedAt) })
    if (this.#waits.length > 2 * RECENT) this.#waits.splice(0, RECENT)
  }

  /** Keeps the first failure for the loop that waits; a failure is no reason for another. */
  async #guard(work: Promise<void>): Promise<void> {
    try {
      await work
    } catch (error) {
      this.#failure ??= { error }
    }
  }

  /** Starts the workers and waits until the broker shows so many consumers. */
  async #hireAll(): Promise<void> {
    const { stage, workers } = this.#options
    for (let worker = 0; worker < workers; worker++) this.#fleet.hire()
    const deadline = performance.now() + READY_TIMEOUT_MS
    const consumers = () => stage.reading?.consumers ?? 0
    while (consumers() < workers) {
      await this.#step()
      if (performance.now() < deadline) continue
      const expected = `expected ${workers} consumers on the queue ${stage.settings.queue}`
      const got = `within ${READY_TIMEOUT_MS / 1_000} s, got ${consumers()}; the workers said:\n${this.#fleet.said}`
      throw new Error(`${expected} ${got}`)
    }
    this.#movedAt = performance.now()
  }

  /** Drains the workers and returns what the broker then holds. */
  async #endAll(): Promise<number> {
    this.#view.say('all is quiet: the workers drain and end')
    await this.#fleet.end()
    await this.#tail.read()
    return this.#options.stage.left()
  }

  /** Returns why it was given up, where it was. */
  async #untilOver(): Promise<string | undefined> {
    for (;;) {
      await this.#step()
      const moved = this.#arrivals.confirmed + this.#tail.lines
      if (moved > this.#moved) {
        this.#moved = moved
        this.#movedAt = performance.now()
      }
      const stillMs = performance.now() - this.#movedAt
      if (this.#hasSent) {
        if (this.#isSettled) return undefined
        if (this.#holdsNothing && stillMs > QUIET_MS) return undefined
      }
      if (stillMs > STALLED_MS) {
        this.#ending.abort(new Error('nothing moves any more'))
        return `nothing moved for ${STALLED_MS / 1_000} s; the workers said:\n${this.#fleet.said}`
      }
    }
  }

  async #step(): Promise<void> {
    this.#options.signal.throwIfAborted()
    await this.#tail.read()
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#fleet.failure !== undefined) throw this.#fleet.failure
    await pause(POLL_MS)
  }

  #recount(left: number, stalled: string | undefined): Promise<LoadReport> {
    const { stage, ledger, strikes, duplicatesLimit } = this.#options
    return recountLoad({
      broker: stage.broker.name,
      ledger,
      ordersByKey: stage.broker.features.ordersByKey,
      strikes,
      duplicatesLimit,
      left,
      lateMs: Math.round(this.#arrivals.latestMs),
      ...(stalled !== undefined && { stalled }),
    })
  }

  #frame(): LoadFrame {
    const { stage, plan, title, strikes } = this.#options
    const { reading, broker } = stage
    const inFlight = this.#fleet.inFlight
    // Where the broker does not know what is in flight, its backlog includes it.
    const included = broker.features.separatesInFlight ? 0 : inFlight
    return {
      title,
      total: plan.length,
      enqueued: this.#arrivals.confirmed,
      done: this.#tail.done,
      inFlight,
      backlog: reading && { ...reading, ready: Math.max(0, reading.ready - included) },
      waits: figuresOf(this.#waits.slice(-RECENT)),
      strikes: { asked: strikes, hit: this.#striker.hits, voids: this.#striker.voids },
      workers: this.#fleet.all
        .filter(({ isRunning }) => isRunning)
        .map(({ name, pid, isLeaving, inHand }) => ({ name, pid, isLeaving, inFlight: inHand.size })),
    }
  }
}
