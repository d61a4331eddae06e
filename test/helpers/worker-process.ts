import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { freePorts } from '../../deploy/local/ports.ts'
import { waitFor, within } from './wait.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const READY_TIMEOUT_MS = 20_000
const EXIT_TIMEOUT_MS = 60_000

/** How a process ended: by its exit code, or by a signal. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface WorkerProcessOptions {
  /** Environment on top of this process's, whose own `TIDEMILL_*` are left out. */
  readonly env: Readonly<Record<string, string>>
  /** More arguments of `tidemill work`. */
  readonly args?: readonly string[]
}

/** `tidemill work FILE` as a process of its own. */
export class WorkerProcess {
  readonly httpPort: number
  readonly exited: Promise<Exit>
  readonly #child: ChildProcess
  #output = ''

  /** Starts it without waiting for anything; it is killed with `t.after`, should it still run then. */
  static async spawn(t: TestContext, file: string, options: WorkerProcessOptions): Promise<WorkerProcess> {
    const [port] = (await freePorts(1)) as [number]
    const worker = new WorkerProcess(file, options, port)
    t.after(async () => {
      worker.signal('SIGKILL')
      await worker.exited
    })
    return worker
  }

  /** Starts it and waits until it is ready. */
  static async start(t: TestContext, file: string, options: WorkerProcessOptions): Promise<WorkerProcess> {
    const worker = await WorkerProcess.spawn(t, file, options)
    await worker.ready()
    return worker
  }

  private constructor(file: string, { env, args = [] }: WorkerProcessOptions, port: number) {
    this.httpPort = port
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('TIDEMILL_'))
    this.#child = spawn(process.execPath, [join(ROOT, 'bin', 'tidemill.ts'), 'work', file, ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        // The runner of the tests marks its children; a process below must not take itself for one.
        ...Object.fromEntries(inherited.filter(([name]) => name !== 'NODE_TEST_CONTEXT')),
        TIDEMILL_HTTP_HOST: '127.0.0.1',
        TIDEMILL_HTTP_PORT: String(port),
        ...env,
      },
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        this.#output += chunk
      })
    }
    this.exited = once(this.#child, 'close').then(([code, signal]) => ({ code, signal }))
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** All that it wrote to stdout and stderr. */
  get output(): string {
    return this.#output
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Resolves when /readyz says 200; rejects with its output when it ends before. */
  async ready(timeoutMs = READY_TIMEOUT_MS): Promise<void> {
    await waitFor(
      'the worker is ready',
      async () => {
        if (!this.isRunning) throw new Error(`the worker ended before it was ready:\n${this.#output}`)
        return (await this.status('/readyz')) === 200
      },
      { timeoutMs, everyMs: 50 },
    )
  }

  /** The status of one of its HTTP paths; 0 when nothing answers. */
  async status(path: string): Promise<number> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.httpPort}${path}`, { signal: AbortSignal.timeout(2_000) })
      await response.body?.cancel()
      return response.status
    } catch {
      return 0
    }
  }

  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) this.#child.kill(signal)
  }

  /** Waits for its end. */
  async exit(timeoutMs = EXIT_TIMEOUT_MS): Promise<Exit> {
    return within('the worker ends', timeoutMs, this.exited)
  }
}
