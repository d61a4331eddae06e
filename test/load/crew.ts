import { writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { Watchdog } from '../../deploy/local/watchdog.ts'
import type { WorkerDefinition } from '../../worker/define.ts'
import { InnerWorker } from './inner-worker.ts'
import type { LoadRequest } from './load-request.ts'
import { CommandWorker, type LoadWorker } from './load-worker.ts'
import type { Stage } from './stage.ts'
import type { LedgerTail } from './tail.ts'

export interface CrewOptions {
  readonly request: Pick<LoadRequest, 'worker' | 'env'>
  readonly stage: Stage
  /** Undefined: a command, of which nothing is known. */
  readonly definition: WorkerDefinition | undefined
  /** The folder of the ledger. */
  readonly ledger: string
  /** A folder of the run's own. */
  readonly work: string
}

const FILE_TYPE = extname(import.meta.filename)
const SESSION_MS = '10000'
const KILL_GROUPS = 'for leader in $(cat "$1"); do kill -9 "-$leader"; done'

/** Where the workers of a load come from. They end with this process, however that ends. */
export class Crew {
  readonly #options: CrewOptions
  readonly #workers: LoadWorker[] = []
  /** A file with the leaders of the process groups that live. */
  readonly #list: string
  readonly #watchdog: Watchdog | undefined

  constructor(options: CrewOptions) {
    this.#options = options
    this.#list = join(options.work, 'leaders')
    if (this.#isMemory) return
    this.#note()
    this.#watchdog = new Watchdog(KILL_GROUPS, [this.#list])
  }

  /** Starts a worker. */
  hire(name: string, tail: LedgerTail): LoadWorker {
    const { stage, definition, ledger } = this.#options
    const { brokerUrl: broker, queue } = stage.settings
    if (this.#isMemory) {
      const pid = this.#workers.length + 1
      const worker = new InnerWorker({ name, pid, definition: definition!, broker, queue, ledger, tail })
      this.#workers.push(worker)
      return worker
    }
    const worker = new CommandWorker({ name, command: this.#command(), env: this.#environment(), tail })
    this.#workers.push(worker)
    this.#note()
    void worker.ended.then(() => this.#note())
    return worker
  }

  /** To be called when all of them have ended. */
  async dismiss(): Promise<void> {
    await this.#watchdog?.dismiss()
  }

  get #isMemory(): boolean {
    return this.#options.stage.broker.name === 'memory'
  }

  #note(): void {
    const leaders = this.#workers.filter(({ isRunning }) => isRunning).map(({ pid }) => pid)
    writeFileSync(this.#list, `${leaders.join('\n')}\n`)
  }

  #command(): readonly [string, ...string[]] {
    const { worker } = this.#options.request
    if (worker.kind === 'command') return worker.words
    const file = worker.kind === 'file' ? worker.path : join(import.meta.dirname, `load-orders${FILE_TYPE}`)
    const tidemill = join(import.meta.dirname, '..', '..', 'bin', `tidemill${FILE_TYPE}`)
    return [process.execPath, tidemill, 'work', file]
  }

  /** This process's own environment, and what a worker of this run has to know. */
  #environment(): NodeJS.ProcessEnv {
    const { stage, ledger, work, request } = this.#options
    const { TIDEMILL_BROKER_URL_FILE: _, ...inherited } = request.env
    // A worker that is killed keeps its jobs for the time of its session: the default would be most of a short run.
    const session = request.worker.kind === 'examples' ? { TIDEMILL_SESSION_TIMEOUT_MS: SESSION_MS } : {}
    const root = request.worker.kind === 'examples' ? work : (inherited['EXAMPLES_ROOT'] ?? work)
    return {
      ...session,
      ...inherited,
      TIDEMILL_BROKER_URL: stage.workerUrl,
      TIDEMILL_QUEUE: stage.settings.queue,
      TIDEMILL_HTTP_HOST: '127.0.0.1',
      TIDEMILL_HTTP_PORT: '0',
      TIDEMILL_LEDGER: ledger,
      EXAMPLES_ROOT: root,
    }
  }
}
