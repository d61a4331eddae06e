import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../worker/errors.ts'
import type { NoWay } from './contracts.ts'
import { CLEAN_SCRIPT, cleanNow, cleanStale, makeFolder, notePids, removeFolder } from './leftovers.ts'
import { Watchdog } from './watchdog.ts'

const TRIES = 3

/** The folder of a broker that is this process's own, and the processes that live in it: all of it goes with this process, however that ends. */
export class PrivateHome {
  readonly folder: string
  readonly #logFile: string
  readonly #watchdog: Watchdog
  readonly #onExit: () => void
  #children: ChildProcess[] = []

  constructor(protocol: 'rabbitmq' | 'kafka') {
    this.folder = makeFolder(protocol)
    this.#watchdog = new Watchdog(CLEAN_SCRIPT, [this.folder])
    this.#onExit = () => {
      cleanNow(this.folder)
      this.#watchdog.dismissNow()
    }
    process.once('exit', this.#onExit)
    mkdirSync(join(this.folder, 'log'))
    this.#logFile = join(this.folder, 'log', 'broker.log')
  }

  /** Starts a process in the folder; what it writes goes to the log. Its environment must name the folder as HOME. */
  spawn(command: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
    const log = openSync(this.#logFile, 'a')
    const child = spawn(command, args, {
      stdio: ['ignore', log, log],
      env,
      cwd: this.folder,
      // Ctrl-C goes to the whole foreground group; the broker has to outlive the drain of the workers.
      detached: true,
    })
    closeSync(log)
    child.on('error', (error) => writeFileSync(this.#logFile, `${command}: ${error.message}\n`, { flag: 'a' }))
    child.unref()
    this.#children.push(child)
    this.#note()
    return child
  }

  /** Ends a process: with SIGKILL, or with SIGTERM where it is given the time to end by itself. Returns whether it did. */
  async end(child: ChildProcess | undefined, { withinMs = 0 } = {}): Promise<boolean> {
    if (child === undefined || !isRunning(child)) return true
    const gone = once(child, 'exit')
    child.ref()
    child.kill(withinMs > 0 ? 'SIGTERM' : 'SIGKILL')
    const timer = withinMs > 0 ? setTimeout(() => child.kill('SIGKILL'), withinMs) : undefined
    await gone
    clearTimeout(timer)
    this.#note()
    return child.signalCode !== 'SIGKILL'
  }

  /** What the processes wrote so far. */
  logs(): string {
    return existsSync(this.#logFile) ? readFileSync(this.#logFile, 'utf8') : ''
  }

  /** Ends all processes, the last one first, and removes the folder. */
  async remove(): Promise<void> {
    for (const child of this.#children.toReversed()) await this.end(child)
    await this.#watchdog.dismiss()
    process.off('exit', this.#onExit)
    removeFolder(this.folder)
  }

  /** The last one first: a RabbitMQ that can't sign off at its epmd waits for it. */
  #note(): void {
    this.#children = this.#children.filter(isRunning)
    notePids(
      this.folder,
      this.#children.toReversed().map(({ pid }) => pid),
    )
  }
}

/** Whether a process has been started and has not ended. */
export function isRunning(child: ChildProcess | undefined): boolean {
  return child?.pid !== undefined && child.exitCode === null && child.signalCode === null
}

/** Starts a broker of this process's own; tries again, because another program may take a port between its choice and its use. */
export async function startPrivate<B extends { start(): Promise<void>; stop(): Promise<void> }>(
  create: () => Promise<B>,
  log: (line: string) => void,
): Promise<B | NoWay> {
  for (const folder of cleanStale()) log(`removed ${folder}, left behind by a run that was killed`)
  for (let attempt = 1; ; attempt += 1) {
    const broker = await create()
    try {
      await broker.start()
      return broker
    } catch (error) {
      await broker.stop()
      if (attempt === TRIES) return { refused: messageOf(error) }
      log(`the broker did not start, trying again: ${messageOf(error).split('\n', 1)[0]}`)
    }
  }
}
