import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'

/**
 * Runs a shell script once this process is gone, however it went: the script waits on a pipe whose other end dies with us.
 * A signal handler would not see a SIGKILL, and a library should install none.
 */
export class Watchdog {
  readonly #child: ChildProcess

  /**
   * @param script what to run, in sh; its `$1`, `$2`, ... are `args`
   * @param args must stay true for the whole life of the watchdog
   */
  constructor(script: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.#child = spawn('/bin/sh', ['-c', `read -r _\n${script}`, 'tidemill-watchdog', ...args], {
      stdio: ['pipe', 'ignore', 'ignore'],
      // A session of its own: Ctrl-C goes to the whole foreground group, and would end the watchdog before its work.
      detached: true,
      cwd: '/',
      env,
    })
    this.#child.on('error', () => undefined)
    this.#child.stdin?.on('error', () => undefined)
    this.#child.unref()
    ;(this.#child.stdin as Socket | null)?.unref()
  }

  /** Sends it home from within this process's exit, where nothing can be awaited. */
  dismissNow(): void {
    this.#child.kill('SIGKILL')
  }

  /** Sends it home without running the script. */
  async dismiss(): Promise<void> {
    if (this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.ref()
    this.#child.kill('SIGKILL')
    await gone
  }
}
