import { hrtime } from 'node:process'
import type { Observer, WorkerEvent, WorkerState } from './contracts.ts'

/** How often the event loop shows that it comes round, in ms. */
export const TICK_MS = 100

const STATES: readonly WorkerState[] = ['starting', 'running', 'draining', 'stopped', 'failed']
const INT_BYTES = 64
const INTS = { state: 0, everRunning: 1, inFlight: 2, stuck: 3, held: 4, blocked: 5, consume: 6, publish: 7 } as const

/** What makes a worker unhealthy. */
export interface ProbeLimits {
  readonly eventLoopStallMs: number
  readonly stuckLimit: number
}

/** An answer of a probe, and why. */
export interface Verdict {
  readonly ok: boolean
  readonly reasons: readonly string[]
}

/** What the board says, all at one time. */
export interface Health {
  readonly state: WorkerState
  readonly inFlight: number
  readonly stuck: number
  readonly held: number
  readonly blocked: boolean
  readonly connection: { readonly consume: boolean; readonly publish: boolean }
  /** For how long the event loop has not come round. */
  readonly stalledMs: number
}

/**
 * A few numbers in memory that two threads share: the worker's thread writes them, the probes' thread reads them, so that it
 * can answer while the worker's is busy. The clock is this host's, the same in both threads.
 */
export class ProbeBoard implements Observer {
  readonly buffer: SharedArrayBuffer
  readonly #ints: Int32Array
  readonly #tick: Float64Array
  readonly #clock: () => number

  /** @param clock monotonic, in ms, of one origin in all threads */
  constructor(
    clock: () => number = hostClock,
    buffer = new SharedArrayBuffer(INT_BYTES + Float64Array.BYTES_PER_ELEMENT),
  ) {
    this.buffer = buffer
    this.#ints = new Int32Array(buffer, 0, INT_BYTES / Int32Array.BYTES_PER_ELEMENT)
    this.#tick = new Float64Array(buffer, INT_BYTES, 1)
    this.#clock = clock
  }

  /** Says that the event loop has come round. */
  tick(): void {
    this.#tick[0] = this.#clock()
  }

  started(): void {
    this.#ints[INTS.inFlight]!++
  }

  settled(): void {
    this.#ints[INTS.inFlight]!--
  }

  event(event: WorkerEvent): void {
    const ints = this.#ints
    switch (event.name) {
      case 'state':
        this.state = event.to
        break
      case 'connection':
        ints[INTS[event.role]] = event.status === 'connected' ? 1 : 0
        break
      case 'blocked':
        ints[INTS.blocked] = event.blocked ? 1 : 0
        break
      case 'held':
        ints[INTS.held] = event.held ? event.jobs : 0
        break
      case 'stuck':
      case 'unstuck':
        ints[INTS.stuck] = event.stuck
        break
    }
  }

  set state(state: WorkerState) {
    if (state === 'running') Atomics.store(this.#ints, INTS.everRunning, 1)
    Atomics.store(this.#ints, INTS.state, STATES.indexOf(state))
  }

  /** True once the worker was set up. */
  get everRunning(): boolean {
    return Atomics.load(this.#ints, INTS.everRunning) === 1
  }

  read(): Health {
    const at = (name: keyof typeof INTS) => Atomics.load(this.#ints, INTS[name])
    return {
      state: STATES[at('state')]!,
      inFlight: at('inFlight'),
      stuck: at('stuck'),
      held: at('held'),
      blocked: at('blocked') === 1,
      connection: { consume: at('consume') === 1, publish: at('publish') === 1 },
      stalledMs: Math.max(0, Math.round(this.#clock() - this.#tick[0]! - TICK_MS)),
    }
  }
}

/** `performance.now()` has another origin in each thread, this clock has one. */
function hostClock(): number {
  return Number(hrtime.bigint()) / 1e6
}

/** Whether the process should live on. Never depends on the broker: a restart would not bring it back, but repeat the jobs that run. */
export function liveness({ state, stuck, stalledMs }: Health, limits: ProbeLimits): Verdict {
  const reasons: string[] = []
  if (state === 'failed') reasons.push('the worker has failed')
  if (stuck >= limits.stuckLimit)
    reasons.push(`${stuck} handlers ignore their abort, the limit is ${limits.stuckLimit}`)
  if (stalledMs > limits.eventLoopStallMs) {
    reasons.push(`the event loop has been blocked for ${stalledMs} ms, the limit is ${limits.eventLoopStallMs} ms`)
  }
  return { ok: reasons.length === 0, reasons }
}

/** Whether it is set up and not draining. Never "busy": Kubernetes takes pods that are not ready first when it scales in. */
export function readiness({ state }: Health): Verdict {
  return state === 'running' ? { ok: true, reasons: [] } : { ok: false, reasons: [`the worker is ${state}`] }
}

/** What is worth knowing and no reason to restart anything. */
export function remarks(health: Health): string[] {
  const { state, connection, blocked, held } = health
  const remarks: string[] = []
  if (state === 'running' && !connection.consume) remarks.push('not connected to the broker')
  if (blocked) remarks.push('the broker blocks publishers')
  if (held > 0) remarks.push(`${held} jobs are held, because their retry or dead letter can't be written`)
  return remarks
}
