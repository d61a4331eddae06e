import { setTimeout as pause } from 'node:timers/promises'
import { openBroker } from '../../worker/brokers/index.ts'
import type { WorkerSettings } from '../../worker/config.ts'
import type { Backlog, BacklogReading, Broker, TopologyItem, WorkerEvent } from '../../worker/contracts.ts'
import { messageOf, TidemillError } from '../../worker/errors.ts'
import { type Caretaker, caretakerOf } from './caretaker.ts'
import type { FaultProxy } from './proxy.ts'

const READ_EVERY_MS = 250
const POLL_MS = 50
const QUIET_TIMEOUT_MS = 15_000
const NO_CONSUMERS: string = 'other workers would take its jobs: stop them (docker compose up -d --scale worker=0)'

/** A reading of the backlog: its dead letters are those of this run. */
export interface Reading extends BacklogReading {
  /** How much of the ledger was known before it was read. */
  readonly ledgerLines: number
}

/** The broker's side of a load: the queue, its backlog, its dead letters. */
export class Stage {
  readonly broker: Broker
  readonly settings: WorkerSettings
  readonly #caretaker: Caretaker
  readonly #backlog: Backlog
  readonly #made: readonly TopologyItem[]
  readonly #proxy: FaultProxy | undefined
  readonly #ears: Ears
  #reading: Reading | undefined
  #deadBefore = 0
  #isWatched = true
  #watching: Promise<void> | undefined

  /**
   * Sets up the queue, unless it is there, and makes sure that nobody else works on it.
   * @param proxy where connections will be cut: workers reach the broker through it, and it is closed with the stage
   */
  static async open(settings: WorkerSettings, proxy?: FaultProxy): Promise<Stage> {
    const ears = new Ears()
    const broker = await openBroker(settings, (event) => ears.hear(event))
    const made = await setUp(broker, settings.queue)
    const stage = new Stage(broker, settings, made, proxy, ears)
    try {
      await stage.#expectEmpty()
      return stage
    } catch (error) {
      await stage.close()
      throw error
    }
  }

  private constructor(
    broker: Broker,
    settings: WorkerSettings,
    made: readonly TopologyItem[],
    proxy: FaultProxy | undefined,
    ears: Ears,
  ) {
    this.#ears = ears
    this.broker = broker
    this.settings = settings
    this.#made = made
    this.#proxy = proxy
    this.#caretaker = caretakerOf(broker, settings)
    this.#backlog = broker.backlog()
  }

  /** The URL for workers. */
  get workerUrl(): string {
    return this.#proxy?.through(this.settings.brokerUrl) ?? this.settings.brokerUrl
  }

  /** How often the broker has hung up on us. */
  get losses(): number {
    return this.#ears.losses
  }

  /** The last reading of the backlog; undefined before the first. */
  get reading(): Reading | undefined {
    return this.#reading
  }

  /** Reads the backlog again and again until `close`. */
  watch(ledgerLines: () => number): void {
    this.#watching = this.#watch(ledgerLines)
  }

  /** Cuts every connection of the workers. Returns how many there were. */
  cut(): number {
    return this.#proxy?.cut() ?? 0
  }

  /** What is left on the queue, once the broker has noticed that no consumer is left, and so has taken back what they had. */
  async left(): Promise<number> {
    const deadline = performance.now() + QUIET_TIMEOUT_MS
    for (;;) {
      const { consumers, ...reading } = await this.#backlog.read()
      if (consumers === 0 || performance.now() > deadline) return heldOf(reading)
      await pause(POLL_MS)
    }
  }

  /** The ids of the dead letters of this run. */
  async deadIds(run: string): Promise<string[]> {
    return (await this.#caretaker.deadIds()).filter((id) => id.startsWith(run))
  }

  /** Removes what was set up for this run, and disconnects. */
  async close(): Promise<void> {
    this.#isWatched = false
    await this.#watching
    await this.#backlog.close()
    await this.#proxy?.close()
    if (this.#made.length > 0) await this.#caretaker.remove(this.#made)
  }

  async #watch(ledgerLines: () => number): Promise<void> {
    while (this.#isWatched) {
      const lines = ledgerLines()
      try {
        const reading = await this.#backlog.read()
        this.#reading = { ...reading, dead: reading.dead - this.#deadBefore, ledgerLines: lines }
      } catch {
        // The broker may be down, by our own hand: the last reading stands, with its time.
      }
      await pause(READ_EVERY_MS)
    }
  }

  async #expectEmpty(): Promise<void> {
    const { queue } = this.settings
    const reading = await this.#backlog.read()
    if (reading.consumers > 0) {
      const got = `${reading.consumers} consumers`
      throw new TidemillError('USAGE', `expected nobody else on the queue ${queue}, got ${got}; ${NO_CONSUMERS}`)
    }
    this.#deadBefore = reading.dead
    const held = heldOf(reading)
    if (held > 0) {
      const why = 'every job is counted: give another --queue, or none for a queue of its own'
      throw new TidemillError('USAGE', `expected an empty queue ${queue}, got ${held} jobs on it; ${why}`)
    }
  }
}

/** Hears of the connections. */
class Ears {
  losses = 0

  hear(event: WorkerEvent): void {
    if (event.name === 'connection' && event.status === 'lost') this.losses++
  }
}

/** Jobs that the broker holds besides dead letters. */
export function heldOf({ ready, suspects, waiting, unacknowledged = 0 }: Omit<BacklogReading, 'consumers'>): number {
  return ready + suspects + waiting + unacknowledged
}

/** Returns what was not there before: that, and nothing else, may be removed again. */
async function setUp(broker: Broker, queue: string): Promise<readonly TopologyItem[]> {
  const topology = broker.topology()
  try {
    const missing = new Set((await topology.verify()).map(({ kind, name }) => `${kind} ${name}`))
    if (missing.size === 0) return []
    const items = await topology.apply()
    return items.filter(({ kind, name }) => missing.has(`${kind} ${name}`))
  } catch (error) {
    if (!(error instanceof TidemillError) || error.code !== 'TOPOLOGY_CONFLICT') throw error
    const how = `let an account that may do it first: tidemill topology apply --queue ${queue}`
    const message = `the queue ${queue} is not set up; ${how}\n${messageOf(error)}`
    throw new TidemillError('TOPOLOGY_CONFLICT', message, { cause: error })
  } finally {
    await topology.close()
  }
}
