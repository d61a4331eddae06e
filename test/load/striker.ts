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
  readonly fleet: Pick<Fleet, 'live' | 'hire' | 'leave'>
  readonly tail: Pick<LedgerTail, 'read' | 'isDone'>
  readonly events: Pick<EventLog, 'write'>
  /** Told what happens, in sentences. */
  readonly say: (sentence: string) => void
  /** The share of the jobs (0 to 1) that is enqueued. */
  readonly share: () => number
  /** Whether the broker has nothing to deliver. */
  readonly isIdle: () => boolean
  /** Whether nothing more can come into flight. */
  readonly isOver: () => boolean
  readonly random: () => number
  /** Restarts the broker. */
  readonly restart: () => Promise<void>
  /** How often the broker has hung up on us. */
  readonly losses: () => number
  /** Cuts the workers' connections and returns how many there were. */
  readonly cut: () => number
  readonly signal: AbortSignal
}

/** One strike. */
interface Blow {
  /** ms since the epoch. */
  readonly at: number
  /** The jobs that were in flight where it struck. */
  readonly hit: ReadonlySet<string>
  /** How long the broker was away. */
  readonly tookMs?: number
}

const POLL_MS = 25
const AFTER_VOID_MS = 100
const RECOVERY_MS = 10_000
/** A job may be on its way between the broker and a worker for so long. */
const LIMBO_MS = 1_000

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
      const { at, hit, ...more } = await this.#blow(strike, victim)
      events.write({ event: 'strike', strike, ...(isOfOne && { worker: victim.name }), hit: hit.size, ...more }, at)
      if (hit.size > 0) {
        this.#hits[strike]++
        return hit
      }
      this.#voids++
      const whom = isOfOne ? victim.name : 'the workers'
      say(`void: ${whom} had nothing in flight for ${NOUNS[strike]}; trying again`)
      await pause(AFTER_VOID_MS, undefined, { signal })
    }
  }

  #blow(strike: Strike, victim: LoadWorker): Promise<Blow> {
    if (strike === 'restart') return this.#restart()
    return strike === 'cut' ? this.#cut() : this.#strikeOne(strike, victim)
  }

  async #strikeOne(strike: 'kill' | 'term', victim: LoadWorker): Promise<Blow> {
    const { fleet, tail, say } = this.#options
    await victim.freeze()
    await tail.read()
    const blow: Blow = { at: Date.now(), hit: new Set(victim.isRunning ? victim.inHand : []) }
    if (blow.hit.size === 0) {
      victim.thaw()
      return blow
    }
    if (strike === 'kill') {
      victim.kill()
      await victim.ended
    } else {
      victim.term()
      victim.thaw()
      this.#leaving.push(fleet.leave(victim))
    }
    const jobs = counted(blow.hit.size, 'job')
    say(`${NOUNS[strike]} to ${victim.name} with ${jobs} in flight; ${fleet.hire().name} takes its place`)
    return blow
  }

  async #cut(): Promise<Blow> {
    const { fleet, say, cut } = this.#options
    const live = fleet.live
    await Promise.all(live.map((worker) => worker.freeze()))
    const blow = await this.#look()
    const connections = blow.hit.size > 0 ? cut() : 0
    for (const worker of live) worker.thaw()
    if (connections === 0) return { ...blow, hit: new Set() }
    say(`cut ${counted(connections, 'connection')} with ${counted(blow.hit.size, 'job')} in flight`)
    return blow
  }

  async #restart(): Promise<Blow> {
    const { tail, say, restart, losses } = this.#options
    const first = await this.#look()
    if (first.hit.size === 0) return first
    say(`restarting the broker with ${counted(first.hit.size, 'job')} in flight`)
    const before = losses()
    let isBack = false
    const restarting = restart().finally(() => {
      isBack = true
    })
    // A broker that shuts down in good order still takes settlements for a while: what counts is in flight when it hangs up.
    let last = first
    while (!isBack && losses() === before) {
      last = await this.#look()
      await Promise.race([pause(POLL_MS), restarting.catch(() => {})])
    }
    const at = losses() === before ? first.at : last.at
    await tail.read()
    const hit = new Set([...(losses() === before ? first : last).hit].filter((id) => !tail.isDone(id)))
    try {
      await restarting
    } catch (error) {
      throw new Error(`the broker could not be restarted: ${messageOf(error)}`, { cause: error })
    }
    const tookMs = Date.now() - at
    say(
      `the broker is back after ${(tookMs / 1_000).toFixed(1)} s; it hung up on ${counted(hit.size, 'job')} in flight`,
    )
    return { at, hit, tookMs }
  }

  /** What all workers have in hand. */
  async #look(): Promise<Blow> {
    const { fleet, tail } = this.#options
    await tail.read()
    const hit = fleet.live.reduce<ReadonlySet<string>>((all, { inHand }) => all.union(inHand), new Set())
    return { at: Date.now(), hit }
  }

  /**
   * Until the jobs that were hit are done: a job that is struck again and again would be taken for one that kills its worker. Those that
   * nobody has in hand while the broker has nothing to deliver will not come.
   */
  async #recovery(hit: ReadonlySet<string>): Promise<void> {
    const { fleet, tail, isIdle, signal } = this.#options
    const begun = performance.now()
    for (;;) {
      const open = [...hit].filter((id) => !tail.isDone(id))
      const elapsedMs = performance.now() - begun
      if (open.length === 0 || elapsedMs > RECOVERY_MS) return
      const isHeld = open.some((id) => fleet.live.some(({ inHand }) => inHand.has(id)))
      if (elapsedMs > LIMBO_MS && !isHeld && isIdle()) return
      await pause(POLL_MS, undefined, { signal })
    }
  }
}

/** Strikes as they are named to people. */
const NOUNS: Readonly<Record<Strike, string>> = {
  kill: 'SIGKILL',
  term: 'SIGTERM',
  restart: 'a restart of the broker',
  cut: 'a cut of the connections',
}
