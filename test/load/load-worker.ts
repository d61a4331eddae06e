import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { signalGroup } from './process-group.ts'
import type { LedgerTail } from './tail.ts'

/** How a worker ended. */
export interface WorkerEnd {
  /** Null where a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A worker of a load. */
export interface LoadWorker {
  readonly name: string
  readonly pid: number
  readonly isRunning: boolean
  /** Told to end. */
  readonly isLeaving: boolean
  /** The jobs that it began and has not ended, by the ledger. */
  readonly inHand: ReadonlySet<string>
  /** The last that it wrote, for when it fails. */
  readonly output: string
  readonly ended: Promise<WorkerEnd>
  /** Resolves when it has written anything or has ended: `tidemill work` listens to signals before it says its first word. */
  readonly spoke: Promise<unknown>
  /** Whether a process that wrote into the ledger is this worker or belongs to it. */
  owns(pid: number): boolean
  /** Another process belongs to it as well. */
  adopt(pid: number): void
  /** Stops it where it stands, so that what the ledger says of it stays true until `thaw`. */
  freeze(): Promise<void>
  thaw(): void
  /** SIGTERM to the worker's first process, as a container gets it: it drains. */
  term(): void
  /** SIGKILL to all of it. */
  kill(): void
}

export interface CommandWorkerOptions {
  readonly name: string
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]]
  readonly env: NodeJS.ProcessEnv
  readonly tail: LedgerTail
}

const KEPT_OUTPUT = 8_000
/** A stop signal takes effect when the process is next scheduled. */
const STOP_MS = 20
const NOT_STARTED = 127

/** A worker that is a command of its own. Like a container, it lives as long as its first process; then all that it left is killed. */
export class CommandWorker implements LoadWorker {
  readonly name: string
  readonly ended: Promise<WorkerEnd>
  readonly spoke: Promise<unknown>
  readonly #child: ChildProcess
  readonly #tail: LedgerTail
  readonly #pids = new Set<number>()
  #isLeaving = false
  #output = ''

  constructor({ name, command: [program, ...args], env, tail }: CommandWorkerOptions) {
    this.name = name
    this.#tail = tail
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
      // A group of its own: a signal from the terminal is not for it, and one signal reaches all of it.
      detached: true,
    })
    this.#child = child
    const keep = (chunk: string) => {
      this.#output = `${this.#output}${chunk}`.slice(-KEPT_OUTPUT)
    }
    for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding('utf8').on('data', keep)
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => {
        keep(`${error.message}\n`)
        resolve({ code: NOT_STARTED, signal: null })
      })
      child.once('exit', (code, signal) => {
        this.#signal('SIGKILL')
        resolve({ code, signal })
      })
    })
    this.spoke = Promise.race([once(child.stdout!, 'data'), this.ended])
    if (child.pid !== undefined) this.#pids.add(child.pid)
  }

  /** 0 where it did not even start. */
  get pid(): number {
    return this.#child.pid ?? 0
  }

  get output(): string {
    return this.#output
  }

  get isRunning(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  get isLeaving(): boolean {
    return this.#isLeaving
  }

  get inHand(): ReadonlySet<string> {
    const [first, ...others] = [...this.#pids].map((pid) => this.#tail.inHandOf(pid))
    return others.reduce((all, ids) => all.union(ids), first ?? new Set())
  }

  owns(pid: number): boolean {
    return this.#pids.has(pid)
  }

  adopt(pid: number): void {
    this.#pids.add(pid)
  }

  async freeze(): Promise<void> {
    this.#signal('SIGSTOP')
    await pause(STOP_MS)
  }

  thaw(): void {
    this.#signal('SIGCONT')
  }

  term(): void {
    this.#isLeaving = true
    if (this.isRunning) this.#child.kill('SIGTERM')
  }

  kill(): void {
    this.#isLeaving = true
    if (this.isRunning) this.#signal('SIGKILL')
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#child.pid !== undefined) signalGroup(this.#child.pid, signal)
  }
}
