import pLimit, { type LimitFunction } from 'p-limit'
import { Chain } from './chain.ts'
import {
  type Deliveries,
  type Delivery,
  type DeliveryIterator,
  type Message,
  type Outcome,
  WRITTEN,
} from './contracts.ts'
import { LeaseLostError, type ShutdownError, type TidemillError } from './errors.ts'
import { Execution } from './execute.ts'
import type { PoolJob, PoolOptions } from './pool-options.ts'
import { isAbandoned, MISSING_ID, outcomeOf, type Result, unknownTypeOutcome } from './retry.ts'
import { Slots } from './slots.ts'
import { Timeouts } from './timeouts.ts'
import { Turns } from './turns.ts'
import { sharesOf, TypeLimits } from './type-limits.ts'

/** The label of every type that no job of this worker has. */
const UNKNOWN_TYPE = 'unknown'
const DEFERRALS_PER_SECOND = 100
const OVERFLOW_EVERY_MS = 100
/** Some milliseconds of jobs that do nothing. */
const JOBS_A_TURN = 2_000
const RELEASE: Outcome = Object.freeze({ kind: 'release' })
const DONE: Result = Object.freeze({ kind: 'done' })

/** What the calls that work one after the other for one slot have in common. */
interface Lane {
  readonly iterator: DeliveryIterator
  readonly givenUp: (execution: Execution, result: Result) => void
  readonly ended: () => void
  readonly failed: (error: unknown) => void
}

/**
 * The bounded loop: so many slots, each pulls a delivery, runs it, decides, settles, tells the observer and pulls the
 * next. A slot is taken until the settlement is written, so what can't be settled stops the pulling by itself.
 */
export class Pool {
  readonly #options: PoolOptions
  readonly #lanes: LimitFunction
  readonly #slots: Slots<Delivery>
  readonly #types: TypeLimits
  readonly #running = new Chain<Execution>()
  readonly #turns = new Turns(JOBS_A_TURN)
  readonly #timeouts: Timeouts
  readonly #leases = new WeakSet<AbortSignal>()
  #overflow: NodeJS.Timeout | undefined
  #stuck = 0
  #abandoned = 0
  #hardStop: TidemillError | undefined

  constructor(options: PoolOptions) {
    this.#options = options
    this.#lanes = pLimit(options.concurrency)
    this.#slots = new Slots(options.concurrency)
    const jobs = [...options.jobs].map(([type, { definition, inThread }]) => {
      return { type, maxConcurrent: definition.maxConcurrent, inThread }
    })
    const shares = sharesOf(jobs, options.concurrency, options.threads)
    this.#types = new TypeLimits(shares, DEFERRALS_PER_SECOND, options.now)
    this.#timeouts = new Timeouts(() => this.#running.items(), options.now)
  }

  /** Jobs in a slot: running or being settled. */
  get inFlight(): number {
    return this.#slots.active
  }

  /** How many jobs may run at once now: at least 1, at most the concurrency. What runs above a lower limit runs on. */
  get limit(): number {
    return this.#slots.limit
  }
  set limit(limit: number) {
    this.#slots.limit = limit
  }

  /** Handlers that ignored their abort and still run. */
  get stuck(): number {
    return this.#stuck
  }

  /** By type, for how long the oldest of its running handlers has run, in ms. */
  get oldest(): ReadonlyMap<string, number> {
    const now = this.#options.now()
    return new Map(this.#running.items().map(({ message, begun }) => [message.type, now - begun]))
  }

  /** Jobs that were given back because of `abort`: unfinished, or finished and not settled. */
  get abandoned(): number {
    return this.#abandoned
  }

  /** Works until the deliveries end and the last of them is settled. Rejects with what the deliveries rejected with. */
  async run(deliveries: Deliveries): Promise<void> {
    const iterator = deliveries[Symbol.asyncIterator]()
    const lanes = Array.from({ length: this.#options.concurrency }, () => this.#lanes(() => this.serve(iterator)))
    const ends = await Promise.allSettled(lanes)
    this.#timeouts.stop()
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }

  /** One lane's life, until the deliveries end. */
  serve(iterator: DeliveryIterator): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const givenUp = (execution: Execution, result: Result) => void this.#leave(lane, execution, result)
    const lane: Lane = { iterator, givenUp, ended: resolve, failed: reject }
    void this.#work(lane, undefined)
    return promise
  }

  /**
   * Pulls, works, pulls again, until the deliveries end. Where its handler was given up it ends without a word: `#leave` has
   * called it anew by then. One wait a job, for the handler itself: each more is a good part of what a short job costs.
   */
  async #work(lane: Lane, given: Delivery | undefined): Promise<void> {
    const { iterator } = lane
    const { jobs, now } = this.#options
    try {
      for (let next = given; ; next = undefined) {
        next ??= this.#slots.next()
        if (next === undefined) {
          if (this.#slots.crowded) {
            if (await this.#slots.park()) continue
            break
          }
          if (this.#turns.isOver) await this.#turns.next()
          let pulled = iterator.poll?.()
          if (pulled !== undefined) {
            this.#turns.take()
          } else {
            const { done, value } = await iterator.next()
            if (done) break
            pulled = value
          }
          next = this.#admit(pulled)
        }
        while (next !== undefined && this.#slots.take(next)) {
          const { message } = next
          const job = jobs.get(message.type)
          if (!next.lease.aborted) {
            const label = job === undefined ? UNKNOWN_TYPE : message.type
            const begun = this.#begin(message, label)
            let outcome = this.#refusal(message, job)
            if (outcome === undefined) {
              const execution = this.#open(next, job!, begun, lane)
              let result = DONE
              try {
                await execution.run()
              } catch (error) {
                result = execution.failure(error)
              }
              if (!execution.end()) {
                this.#unstuck(message)
                return
              }
              outcome = this.#decide(execution, job!, result)
            }
            const runMs = now() - begun
            const settling = next.settle(outcome)
            this.#settled(message, label, outcome, runMs, settling === WRITTEN || (await settling))
          } else {
            // It must hear of every delivery, or takes this one for one that still runs.
            void next.settle(RELEASE)
          }
          this.#slots.free()
          next = this.#types.done(message.type)
        }
      }
      this.stop()
      lane.ended()
    } catch (error) {
      this.#fail(lane, error)
    }
  }

  /** Goes on without a handler that ignores its abort: what was waiting for it waits for nothing any more. */
  async #leave(lane: Lane, execution: Execution, result: Result): Promise<void> {
    const { delivery, message, begun } = execution
    const { type } = message
    try {
      this.#reportStuck(message)
      const outcome = this.#decide(execution, this.#options.jobs.get(type)!, result)
      const runMs = this.#options.now() - begun
      this.#settled(message, type, outcome, runMs, await delivery.settle(outcome))
      this.#slots.free()
    } catch (error) {
      this.#fail(lane, error)
      return
    }
    await this.#work(lane, this.#types.done(type))
  }

  /** One slot less would go unnoticed: the others end too, and the worker fails aloud. */
  #fail({ iterator, failed }: Lane, error: unknown): void {
    void iterator.return?.()
    this.stop()
    failed(error)
  }

  /** Begins no more jobs: what was pulled and waits for a slot is given back. The deliveries are to end as well. */
  stop(): void {
    clearTimeout(this.#overflow)
    for (const delivery of [...this.#slots.end(), ...this.#types.clear()]) void delivery.settle(RELEASE)
  }

  /** Aborts the signal of every running job; those that yield are released. */
  abort(reason: ShutdownError): void {
    this.#hardStop = reason
    for (const execution of this.#running.items()) execution.abort(reason)
  }

  /** The delivery, when it may run now; else it is parked or deferred. */
  #admit(delivery: Delivery): Delivery | undefined {
    const admission = this.#types.admit(delivery.message.type, delivery)
    if (admission === 'run') return delivery
    if (admission === 'defer') this.#defer(delivery)
    else this.#overflow ??= setTimeout(this.#deferOverflow, OVERFLOW_EVERY_MS)
    return undefined
  }

  #deferOverflow = (): void => {
    this.#overflow = undefined
    for (const delivery of this.#types.overflow()) this.#defer(delivery)
    if (this.#types.parked > 0) this.#overflow = setTimeout(this.#deferOverflow, OVERFLOW_EVERY_MS)
  }

  #defer(delivery: Delivery): void {
    const delayMs = this.#options.ladderMs[0]!
    const { message } = delivery
    this.#options.observer.event({ name: 'deferred', message, type: message.type })
    void delivery.settle({ kind: 'retry', delayMs, reason: 'type-limit', counted: false })
  }

  #begin(message: Message, label: string): number {
    const { enqueuedAt } = message
    const waitMs =
      enqueuedAt === undefined || message.attempt > 1 ? undefined : Math.max(0, this.#options.wallClock() - enqueuedAt)
    this.#options.observer.started(message, label, waitMs)
    return this.#options.now()
  }

  #refusal(message: Message, job: PoolJob | undefined): Outcome | undefined {
    const { missingId, policy, ladderMs, random } = this.#options
    if (missingId === 'dead-letter' && message.idDerived) return MISSING_ID
    if (job === undefined) return unknownTypeOutcome(message.type, message.attempt, policy, ladderMs, random)
    return undefined
  }

  #open(delivery: Delivery, job: PoolJob, begun: number, { givenUp }: Lane): Execution {
    this.#watch(delivery.lease)
    const execution = new Execution(delivery, job, begun, this.#options, givenUp)
    this.#running.add(execution)
    this.#timeouts.add(execution)
    if (this.#hardStop !== undefined) execution.abort(this.#hardStop)
    return execution
  }

  #decide(execution: Execution, { policy }: PoolJob, result: Result): Outcome {
    this.#running.remove(execution)
    const { ladderMs, random } = this.#options
    const outcome = outcomeOf(result, execution.message.attempt, policy, ladderMs, random)
    if (outcome.kind === 'release' && isAbandoned(result)) this.#abandoned++
    return outcome
  }

  #settled(message: Message, label: string, outcome: Outcome, runMs: number, written: boolean): void {
    if (!written && this.#hardStop !== undefined && outcome.kind !== 'release') this.#abandoned++
    this.#options.observer.settled(message, label, outcome, runMs, written)
  }

  /** One listener a lease, however many deliveries share it. */
  #watch(lease: AbortSignal): void {
    if (this.#leases.has(lease)) return
    this.#leases.add(lease)
    lease.addEventListener(
      'abort',
      () => {
        const reason = new LeaseLostError(undefined, { cause: lease.reason })
        for (const execution of this.#running.items()) {
          if (execution.delivery.lease === lease) execution.abort(reason)
        }
      },
      { once: true },
    )
  }

  #reportStuck(message: Message): void {
    this.#stuck++
    this.#options.observer.event({ name: 'stuck', message, type: message.type, stuck: this.#stuck })
  }

  #unstuck(message: Message): void {
    this.#stuck--
    this.#options.observer.event({ name: 'unstuck', message, type: message.type, stuck: this.#stuck })
  }
}
