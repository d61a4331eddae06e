import { writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { Watchdog } from '../../deploy/local/watchdog.ts'
import { CommandWorker, type CommandWorkerOptions } from './load-worker.ts'

const FILE_TYPE = extname(import.meta.filename)
const TIDEMILL = join(import.meta.dirname, '..', '..', 'bin', `tidemill${FILE_TYPE}`)
const KILL_GROUPS = 'for leader in $(cat "$1"); do kill -9 "-$leader"; done'

/** Starts workers that are processes. They end with this one, however it ends. */
export class Crew {
  readonly #workers: CommandWorker[] = []
  /** A file with the leaders of the process groups that live. */
  readonly #list: string
  readonly #watchdog: Watchdog

  /** @param folder one of the run's own, where the crew keeps its list */
  constructor(folder: string) {
    this.#list = join(folder, 'leaders')
    this.#note()
    this.#watchdog = new Watchdog(KILL_GROUPS, [this.#list])
  }

  hire(options: CommandWorkerOptions): CommandWorker {
    const worker = new CommandWorker(options)
    this.#workers.push(worker)
    this.#note()
    void worker.ended.then(() => this.#note())
    return worker
  }

  /** To be called when all of them have ended, before the folder is removed. */
  dismiss(): Promise<void> {
    return this.#watchdog.dismiss()
  }

  #note(): void {
    const leaders = this.#workers.filter(({ isRunning }) => isRunning).map(({ pid }) => pid)
    writeFileSync(this.#list, `${leaders.join('\n')}\n`)
  }
}

/** `tidemill work FILE` of this package. */
export function workCommand(file: string): readonly [string, ...string[]] {
  return [process.execPath, TIDEMILL, 'work', file]
}

/** A worker file beside this one, by its name without the extension. */
export function ownFile(name: string): string {
  return join(import.meta.dirname, `${name}${FILE_TYPE}`)
}

/** What every worker of a run has to know, in its environment. */
export function workerEnvironment(broker: string, queue: string, ledger: string): Record<string, string> {
  return {
    TIDEMILL_BROKER_URL: broker,
    TIDEMILL_QUEUE: queue,
    TIDEMILL_HTTP_HOST: '127.0.0.1',
    TIDEMILL_HTTP_PORT: '0',
    TIDEMILL_LEDGER: ledger,
  }
}
