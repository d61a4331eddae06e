import { setTimeout as pause } from 'node:timers/promises'
import { messageOf } from '../../worker/errors.ts'
import type { EventLog } from './events.ts'
import type { Fleet } from './fleet.ts'
import { counted } from './live-view.ts'
import type { LoadWorker } from './load-worker.ts'
import type { PlannedStrike, Strike } from './strikes.ts'
import type { LedgerTail } from './tail.ts'

export interface StrikerOptions {
  readonly strikes: readonly PlannedStrike[]
  readonly fleet: Fleet
  readonly tail: LedgerTail
  readonly events: Pick<EventLog, 'write'>
  /** Told what happens, in sentences. */
  readonly say: (sentence: string) => void
  /** The share of the jobs (0 to 1) that is enqueued. */
  readonly share: () => number
  /** Whether nothing more can come into flight. */
  readonly isOver: () => boolean
  readonly random: () => number
  /** Restarts the broker. */
  readonly restart: () => Promise<void>
  /** Cuts the workers' connections and returns how many there were. */
  readonly cut: () => number
  readonly signal: AbortSignal
}

const POLL_MS = 25
const AFTER_VOID_MS = 100
/** How long the next strike waits for the jobs that the last one hit: a job that is struck again and again would be taken for one that kills its worker. */
const RECOVERY_MS = 2_000

/**
 * Carries out the strikes of a run, one after the other. Each must hit work in flight; one that hits none is void, is said and written
 * down as such, and tried again.
 */
export class Striker {
  readonly #options: StrikerOptions
  readonly #hits: Record<Strike, number> = { kill: 0, term: 0, restart: 0, cut: 0 }
  #voids = 0
  #leaving: Promise<unknown>[] = []

  constructor(options: StrikerOptions) {
    this.#options = options
  }

  /** Strikes that hit work in flight. */
  get hits(): Readonly<Record<Strike, number>> {
    return this.#hits
  }

  /** Strikes that hit nothing. */
  get voids(): number {
    return this.#voids
  }

  /** Resolves when all are carried out, or the run is over. */
  async run(): Promise<void> {
    const { strikes, share, isOver, signal } = this.#options
    for (const { strike, after } of strikes) {
      while (share() < after && !isOver()) await pause(POLL_MS, undefined, { signal })
      const hit = await this.#insist(strike)
      if (hit === undefined) break
      await this.#recovery(hit)
    }
    await Promise.all(this.#leaving)
  }

  /** Strikes until it hits something. Undefined: the run is over. */
  async #insist(strike: Strike): Promise<ReadonlySet<string> | undefined> {
    const { fleet, tail, isOver, events, say, signal } = this.#options
    for (;;) {
      await tail.read()
      const busy = fleet.live.filter(({ inHand }) => inHand.size > 0)
      if (busy.length === 0) {
        if (isOver()) return undefined
        await pause(POLL_MS, undefined, { signal })
        continue
      }
      const victim = busy[Math.floor(this.#options.random() * busy.length)]!
      const isOfOne = strike === 'kill' || strike === 'term'
      const hit = isOfOne ? await this.#strikeOne(strike, victim) : await this.#strikeAll(strike)
      const worker = isOfOne ? { worker: victim.name } : {}
      events.write({ event: 'strike', strike, ...worker, hit: hit.size })
      if (hit.size > 0) {
        this.#hits[strike]++
        return hit
      }
      this.#voids++
      say(`void: ${isOfOne ? victim.name : 'nobody'} had anything in flight for ${NOUNS[strike]}; trying again`)
      await pause(AFTER_VOID_MS, undefined, { signal })
    }
  }

  async #strikeOne(strike: 'kill' | 'term', victim: LoadWorker): Promise<ReadonlySet<string>> {
    const { fleet, tail, say } = this.#options
    await victim.freeze()
    await tail.read()
    const hit = new Set(victim.isRunning ? victim.inHand : [])
    if (hit.size === 0) {
      victim.thaw()
      return hit
    }
    const jobs = counted(hit.size, 'job')
    if (strike === 'kill') {
      victim.kill()
      await victim.ended
      say(`SIGKILL to ${victim.name} with ${jobs} in flight; ${fleet.hire().name} takes its place`)
      return hit
    }
    victim.term()
    victim.thaw()
    say(`SIGTERM to ${victim.name} with ${jobs} in flight; ${fleet.hire().name} takes its place`)
    this.#leaving.push(fleet.leave(victim))
    return hit
  }

  async #strikeAll(strike: 'restart' | 'cut'): Promise<ReadonlySet<string>> {
    const { fleet, tail, say, restart, cut } = this.#options
    const live = fleet.live
    if (strike === 'cut') await Promise.all(live.map((worker) => worker.freeze()))
    await tail.read()
    const hit = live.reduce<ReadonlySet<string>>((all, { inHand }) => all.union(inHand), new Set())
    const jobs = counted(hit.size, 'job')
    if (strike === 'cut') {
      const connections = hit.size > 0 ? cut() : 0
      for (const worker of live) worker.thaw()
      if (connections === 0) return new Set()
      say(`cut ${counted(connections, 'connection')} with ${jobs} in flight`)
      return hit
    }
    if (hit.size === 0) return hit
    say(`restarting the broker with ${jobs} in flight`)
    const begun = performance.now()
    try {
      await restart()
    } catch (error) {
      throw new Error(`the broker could not be restarted: ${messageOf(error)}`, { cause: error })
    }
    say(`the broker is back after ${((performance.now() - begun) / 1_000).toFixed(1)} s`)
    return hit
  }

  /** Until the jobs that were hit are done, or that takes too long: they may be lost. */
  async #recovery(hit: ReadonlySet<string>): Promise<void> {
    const { tail, signal } = this.#options
    const deadline = performance.now() + RECOVERY_MS
    while (performance.now() < deadline && ![...hit].every((id) => tail.isDone(id))) {
      await pause(POLL_MS, undefined, { signal })
    }
  }
}

/** Strikes as they are named to people. */
export const NOUNS: Readonly<Record<Strike, string>> = {
  kill: 'SIGKILL',
  term: 'SIGTERM',
  restart: 'a restart of the broker',
  cut: 'a cut of the connections',
}
