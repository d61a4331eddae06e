import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { WorkerDefinition } from '../../worker/define.ts'
import { createWorker, type Worker } from '../../worker/worker.ts'
import type { DemoFolders } from './demo-jobs.ts'
import type { WorkerView } from './demo-view.ts'
import type { LedgerTail } from './tail.ts'

/** A worker of the demo. */
export interface DemoWorker {
  /** What there is to show of it. */
  readonly view: WorkerView
  /** Its exit code; 128 and more when a signal ended it. */
  readonly ended: Promise<number>
  /** The last it wrote, for when it fails. */
  readonly output: string
  /** Asks it to drain, provided that it has at least `atLeast` jobs in hand. Resolves with how many it had; undefined: it had fewer and was left alone. */
  drain(atLeast: number): Promise<number | undefined>
  kill(): void
}

const FILE_TYPE = extname(import.meta.filename)
const KEPT_OUTPUT = 8_000
const STOP_MS = 20

/** `tidemill work` in a process of its own. */
export class ProcessWorker implements DemoWorker {
  readonly ended: Promise<number>
  readonly #name: string
  readonly #tail: LedgerTail
  readonly #child: ChildProcess
  /** Resolves with the first line of its log: it listens to signals before. */
  readonly #listening: Promise<unknown>
  #hasWorked = false
  #isDraining = false
  #output = ''

  /** @param file the worker file beside this one, without its extension */
  constructor(
    name: string,
    file: string,
    env: Readonly<Record<string, string>>,
    folders: DemoFolders,
    tail: LedgerTail,
  ) {
    this.#name = name
    this.#tail = tail
    const here = import.meta.dirname
    const command = join(here, '..', '..', 'bin', `tidemill${FILE_TYPE}`)
    const inherited = Object.entries(process.env).filter(([key]) => !key.startsWith('TIDEMILL_'))
    this.#child = spawn(process.execPath, [command, 'work', join(here, `${file}${FILE_TYPE}`)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      // Ctrl-C goes to the whole foreground group: the demo is who tells its workers.
      detached: true,
      env: {
        ...Object.fromEntries(inherited),
        TIDEMILL_HTTP_HOST: '127.0.0.1',
        TIDEMILL_HTTP_PORT: '0',
        EXAMPLES_ROOT: folders.root,
        DEMO_LEDGER: folders.ledger,
        ...env,
      },
    })
    const keep = (chunk: string) => {
      this.#output = `${this.#output}${chunk}`.slice(-KEPT_OUTPUT)
    }
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) stream.setEncoding('utf8').on('data', keep)
    this.#listening = once(this.#child.stdout!, 'data')
    // It may be gone already when its end of the pipe is closed.
    this.#child.stdin!.on('error', () => {})
    this.ended = once(this.#child, 'close').then(([code]) => code ?? 128)
  }

  get output(): string {
    return this.#output
  }

  get view(): WorkerView {
    const pid = this.#child.pid!
    const inFlight = this.#tail.inHandOf(pid).size
    this.#hasWorked ||= inFlight > 0
    const running = this.#isDraining ? 'draining' : this.#hasWorked ? 'working' : 'starting'
    return { name: this.#name, pid, inFlight, state: this.#isRunning ? running : 'ended' }
  }

  async drain(atLeast: number): Promise<number | undefined> {
    await Promise.race([this.#listening, this.ended])
    if (!this.#isRunning) return undefined
    // Held still for a moment, so that what the ledger says is what it has in hand when the signal comes.
    this.#child.kill('SIGSTOP')
    await pause(STOP_MS)
    await this.#tail.read()
    const { inFlight } = this.view
    const isEnough = inFlight >= atLeast
    if (isEnough) {
      this.#child.kill('SIGTERM')
      this.#isDraining = true
    }
    this.#child.kill('SIGCONT')
    return isEnough ? inFlight : undefined
  }

  kill(): void {
    if (this.#isRunning) this.#child.kill('SIGKILL')
  }

  get #isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }
}

/** A worker inside this process, for the memory broker, which no other process could reach. */
export class InnerWorker implements DemoWorker {
  readonly ended: Promise<number>
  readonly output = ''
  readonly #name: string
  readonly #worker: Worker

  constructor(name: string, definition: WorkerDefinition, broker: string, queue: string) {
    this.#name = name
    this.#worker = createWorker(definition, { broker, settings: { queue } })
    this.ended = this.#worker.finished.then(({ abandoned, error }) => (error ? 1 : abandoned > 0 ? 75 : 0))
    // `ended` tells of a failure.
    this.#worker.start().catch(() => {})
  }

  get view(): WorkerView {
    const { state, inFlight } = this.#worker
    const shown = {
      starting: 'starting',
      running: 'working',
      draining: 'draining',
      stopped: 'ended',
      failed: 'ended',
    } as const
    return { name: this.#name, pid: undefined, inFlight, state: shown[state] }
  }

  async drain(atLeast: number): Promise<number | undefined> {
    const { inFlight } = this.#worker
    if (inFlight < atLeast) return undefined
    void this.#worker.drain()
    return inFlight
  }

  kill(): void {
    this.#worker.abort()
  }
}
