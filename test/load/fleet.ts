import { setTimeout as pause } from 'node:timers/promises'
import { TidemillError } from '../../worker/errors.ts'
import type { EventLog } from './events.ts'
import type { Entry } from './ledger.ts'
import type { LoadWorker, WorkerEnd } from './load-worker.ts'
import { groupOf } from './process-group.ts'

export interface FleetOptions {
  /** Starts a worker of that name. */
  readonly hire: (name: string) => LoadWorker
  readonly events: Pick<EventLog, 'write'>
  /** Told what happens, in sentences. */
  readonly say: (sentence: string) => void
  /** How long a worker may take to end after SIGTERM, in ms; then it is killed. */
  readonly graceMs: number
  /** How many jobs are done. */
  readonly progress: () => number
}

/** So many ends that nobody asked for, without a job done in between, are no accident. */
const PATIENCE = 5

/** The workers of a load: starts them, replaces those that end unasked, ends them all. */
export class Fleet {
  readonly #options: FleetOptions
  readonly #workers: LoadWorker[] = []
  readonly #strangers = new Set<number>()
  #hasBegun = false
  #crashes = 0
  #crashesInARow = 0
  #progress = 0
  #isEnding = false
  #failure: Error | undefined

  constructor(options: FleetOptions) {
    this.#options = options
  }

  /** All that ever were, in the order of their start. */
  get all(): readonly LoadWorker[] {
    return this.#workers
  }

  /** Those that run and were not told to end. */
  get live(): LoadWorker[] {
    return this.#workers.filter(({ isRunning, isLeaving }) => isRunning && !isLeaving)
  }

  /** Jobs that a running worker began and has not ended. */
  get inFlight(): number {
    return this.#workers.reduce((sum, { isRunning, inHand }) => sum + (isRunning ? inHand.size : 0), 0)
  }

  /** Ends that nobody had asked for. */
  get crashes(): number {
    return this.#crashes
  }

  /** Why it is no use to go on. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** What the workers wrote last, for an error. */
  get said(): string {
    return this.live.map(({ name, output }) => `${name}:\n${output.trim() || '(nothing)'}`).join('\n')
  }

  /** Starts one more worker. */
  hire(): LoadWorker {
    const worker = this.#options.hire(`worker-${this.#workers.length + 1}`)
    this.#workers.push(worker)
    this.#options.events.write({ event: 'start', worker: worker.name, pid: worker.pid })
    void worker.ended.then((end) => this.#onEnd(worker, end))
    return worker
  }

  /** Learns from a begin of a job which worker the process belongs to: a command may start others that do the work. */
  onStart({ pid }: Entry): void {
    this.#hasBegun = true
    if (this.#strangers.has(pid) || this.#workers.some((worker) => worker.owns(pid))) return
    const group = groupOf(pid)
    const owner = this.#workers.find((worker) => worker.pid === group)
    if (owner === undefined) this.#strangers.add(pid)
    else owner.adopt(pid)
  }

  /** Waits until a worker that was told to end has ended, and kills it when it takes longer than the grace. */
  async leave(worker: LoadWorker): Promise<WorkerEnd> {
    const { graceMs, say } = this.#options
    const timer = setTimeout(() => {
      say(`${worker.name} did not end within ${graceMs / 1_000} s after SIGTERM: it is killed`)
      worker.kill()
    }, graceMs)
    const end = await worker.ended
    clearTimeout(timer)
    return end
  }

  /** Ends all of them as Kubernetes does. */
  async end(): Promise<void> {
    this.#isEnding = true
    const left = this.#workers.filter(({ isRunning }) => isRunning)
    for (const worker of left) if (!worker.isLeaving) worker.term()
    await Promise.all(left.map((worker) => this.leave(worker)))
    this.#isEnding = false
  }

  /** Ends all of them at once, also those that a fault left frozen. */
  async kill(): Promise<void> {
    this.#isEnding = true
    for (const worker of this.#workers) worker.kill()
    await Promise.race([Promise.all(this.#workers.map(({ ended }) => ended)), pause(KILL_TIMEOUT_MS)])
  }

  #onEnd(worker: LoadWorker, end: WorkerEnd): void {
    const unasked = !worker.isLeaving
    this.#options.events.write({ event: 'end', worker: worker.name, ...end, unasked })
    if (!unasked || this.#isEnding) return
    this.#crashes++
    const progress = this.#options.progress()
    this.#crashesInARow = progress > this.#progress ? 1 : this.#crashesInARow + 1
    this.#progress = progress
    const how = end.signal ?? `exit code ${end.code}`
    const output = `it said:\n${worker.output.trim() || '(nothing)'}`
    if (!this.#hasBegun || this.#crashesInARow >= PATIENCE) {
      const what = this.#hasBegun ? `workers end by themselves again and again, ${worker.name}` : worker.name
      const when = this.#hasBegun ? '' : ' before any job was begun'
      this.#failure ??= new TidemillError('ILLEGAL_STATE', `${what} ended with ${how}${when}; ${output}`)
      return
    }
    const successor = this.hire()
    this.#options.say(`${worker.name} ended by itself with ${how}; ${successor.name} takes its place`)
  }
}

const KILL_TIMEOUT_MS = 10_000
