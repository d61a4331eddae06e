import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import type { Task } from './scenarios.ts'

/** What one run of one contestant cost, measured in its own process. */
export interface Measurement {
  readonly jobs: number
  readonly wallMs: number
  /** User and system time of the consumer's process. */
  readonly cpuMs: number
  /** The most memory that the process ever held. */
  readonly peakMb: number
}

/** Counts finished jobs and measures those after the warm-up. */
export class Meter {
  readonly #task: Task
  readonly #finished = Promise.withResolvers<Measurement>()
  #count = 0
  #since = 0
  #usage = process.cpuUsage()
  #profiler: Session | undefined

  constructor(task: Task) {
    this.#task = task
    process.once('disconnect', abandon)
  }

  /** One more job is done; called by both contestants inside the handler, so that it costs both the same. */
  tick(): void {
    this.#count++
    if (this.#count === this.#task.warmUp) {
      if (this.#task.profile !== undefined) void this.#profile()
      this.#since = performance.now()
      this.#usage = process.cpuUsage()
    }
    // The last acknowledgements are written after the handlers: two turns of the event loop take them in.
    if (this.#count === this.#task.warmUp + this.#task.jobs) setImmediate(() => setImmediate(() => void this.#finish()))
  }

  /** Resolves after the last job. */
  get finished(): Promise<Measurement> {
    return this.#finished.promise
  }

  /** Begins at the end of the warm-up, so that starting up is not in the profile. */
  async #profile(): Promise<void> {
    this.#profiler = new Session()
    this.#profiler.connect()
    await this.#profiler.post('Profiler.enable')
    await this.#profiler.post('Profiler.setSamplingInterval', { interval: 250 })
    await this.#profiler.post('Profiler.start')
  }

  async #finish(): Promise<void> {
    const wallMs = performance.now() - this.#since
    const { user, system } = process.cpuUsage(this.#usage)
    if (this.#profiler !== undefined) {
      const { profile } = await this.#profiler.post('Profiler.stop')
      writeFileSync(this.#task.profile!, JSON.stringify(profile))
      this.#profiler.disconnect()
    }
    const peakMb = process.resourceUsage().maxRSS / 1024
    this.#finished.resolve({ jobs: this.#task.jobs, wallMs, cpuMs: (user + system) / 1000, peakMb })
  }
}

/** Hands the measurement to the process that asked for it. */
export function report(measurement: Measurement): void {
  process.off('disconnect', abandon)
  process.send?.(measurement)
  process.disconnect?.()
}

/** Whoever wanted to know is gone: a worker would try to reach its broker for ever. */
function abandon(): void {
  process.exit(1)
}
