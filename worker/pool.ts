import pLimit, { type LimitFunction } from 'p-limit'
import { Chain } from './chain.ts'
import type { Delivery, Message, Outcome } from './contracts.ts'
import { LeaseLostError, type ShutdownError, type TidemillError } from './errors.ts'
import { Execution } from './execute.ts'
import type { PoolJob, PoolOptions } from './pool-options.ts'
import { outcomeOf, type Result, unknownTypeOutcome } from './retry.ts'
import { Slots } from './slots.ts'
import { Timeouts } from './timeouts.ts'
import { sharesOf, TypeLimits } from './type-limits.ts'

/** The label of every type that no job of this worker has. */
const UNKNOWN_TYPE = 'unknown'
const DEFERRALS_PER_SECOND = 100
const OVERFLOW_EVERY_MS = 100
const MISSING_ID: Outcome = Object.freeze({
  kind: 'dead',
  reason: 'missing-id',
  error: 'expected a message id, got none',
})
const RELEASE: Outcome = Object.freeze({ kind: 'release' })

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
  async run(deliveries: AsyncIterable<Delivery>): Promise<void> {
    const iterator = deliveries[Symbol.asyncIterator]()
    const lanes = Array.from({ length: this.#options.concurrency }, () => this.#lanes(serve, this, iterator))
    const ends = await Promise.allSettled(lanes)
    this.#timeouts.stop()
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }

  /** One lane's life: pulls, works, pulls again, until the deliveries end. */
  async serve(iterator: AsyncIterator<Delivery>): Promise<void> {
    const { jobs, observer, now } = this.#options
    try {
      for (;;) {
        let next = this.#slots.next()
        if (next === undefined) {
          if (this.#slots.crowded) {
            if (await this.#slots.park()) continue
            return
          }
          const pulled = await iterator.next()
          if (pulled.done) return
          next = this.#admit(pulled.value)
        }
        while (next !== undefined && this.#slots.take(next)) {
          // Not a method: an async call more is a good part of what the pool costs a short job.
          const { message } = next
          const job = jobs.get(message.type)
          if (!next.lease.aborted) {
            const label = job === undefined ? UNKNOWN_TYPE : message.type
            const begun = this.#begin(message, label)
            let outcome = this.#refusal(message, job)
            if (outcome === undefined) {
              const execution = this.#run(next, job!, begun)
              outcome = this.#decide(execution, job!, await execution.result)
            }
            const runMs = now() - begun
            const written = await next.settle(outcome)
            if (!written && this.#hardStop !== undefined && outcome.kind !== 'release') this.#abandoned++
            observer.settled(message, label, outcome, runMs, written)
          } else {
            // It must hear of every delivery, or takes this one for one that still runs.
            void next.settle(RELEASE)
          }
          this.#slots.free()
          next = this.#types.done(message.type)
        }
      }
    } catch (error) {
      // One slot less would go unnoticed: the others end too, and the worker fails aloud.
      void iterator.return?.()
      throw error
    } finally {
      this.stop()
    }
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

  #run(delivery: Delivery, job: PoolJob, begun: number): Execution {
    this.#watch(delivery.lease)
    const execution = new Execution(delivery, job, begun, this.#options, this.#unstuck)
    this.#running.add(execution)
    this.#timeouts.add(execution)
    if (this.#hardStop !== undefined) execution.abort(this.#hardStop)
    return execution
  }

  #decide(execution: Execution, { policy }: PoolJob, result: Result): Outcome {
    this.#running.remove(execution)
    const { message } = execution
    if (result.kind === 'stuck') this.#reportStuck(message)
    const { ladderMs, random } = this.#options
    const outcome = outcomeOf(result, message.attempt, policy, ladderMs, random)
    if (outcome.kind === 'release' && isAbandoned(result)) this.#abandoned++
    return outcome
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
          if (execution.lease === lease) execution.abort(reason)
        }
      },
      { once: true },
    )
  }

  #reportStuck(message: Message): void {
    this.#stuck++
    this.#options.observer.event({ name: 'stuck', message, type: message.type, stuck: this.#stuck })
  }

  #unstuck = (message: Message): void => {
    this.#stuck--
    this.#options.observer.event({ name: 'unstuck', message, type: message.type, stuck: this.#stuck })
  }
}

function serve(pool: Pool, iterator: AsyncIterator<Delivery>): Promise<void> {
  return pool.serve(iterator)
}

function isAbandoned(result: Result): boolean {
  return result.kind !== 'done' && result.aborted?.code === 'SHUTDOWN'
}
