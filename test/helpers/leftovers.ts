import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { processes } from './leaks.ts'

const MARK = 'TEST_RUN_ID'
const GRACE_MS = 5_000
/** Caches that Node and npm keep where they are told to; they are no leak. */
const CACHES = /^(node-compile-cache|v8-compile-cache|\.?npm|_cacache)/

/**
 * Marks every process that is started from here on, and gives them a folder of their own for temporary files,
 * so that what a run of the tests leaves behind can be told from what others do on this machine.
 */
export class Leftovers {
  readonly #folder: string
  readonly #mark: string

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'tidemill-test-'))
    this.#mark = `${MARK}=${this.#folder}`
    process.env[MARK] = this.#folder
    process.env.TMPDIR = this.#folder
    process.once('exit', () => rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 }))
  }

  /** What is left, one line each, after a moment for those on their way out. Processes that are left are killed. */
  async sweep(): Promise<string[]> {
    const deadline = performance.now() + GRACE_MS
    while (this.#processes().length > 0 && performance.now() < deadline) await sleep(100)
    const left = this.#processes()
    for (const { pid } of left) kill(pid)
    const files = readdirSync(this.#folder).filter((name) => !CACHES.test(name))
    return [
      ...left.map(({ pid, name }) => `the process ${pid} (${name})${commandOf(pid)}`),
      ...files.map((name) => `the file ${join(this.#folder, name)}`),
    ]
  }

  #processes() {
    return processes().filter(({ pid }) => pid !== process.pid && environmentOf(pid).includes(this.#mark))
  }
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    return []
  }
}

/** The arguments tell which program of ours it is. */
function commandOf(pid: number): string {
  try {
    return `: ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').slice(0, 200).trim()}`
  } catch {
    return ''
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended between the look and the kill.
  }
}
