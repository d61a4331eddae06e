import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

const ROOT = join(import.meta.dirname, '..', '..')
const TIMEOUT_MS = 30_000

/** What a command left behind. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  /** Environment on top of this process's, whose own `TIDEMILL_*` are left out. */
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
  readonly cwd?: string
  /** After so long it is ended, in ms. Default 30,000. */
  readonly timeoutMs?: number
}

/** Runs `tidemill ARGS` from the sources until it ends. */
export async function tidemill(
  args: readonly string[],
  { env = {}, stdin = '', cwd = ROOT, timeoutMs = TIMEOUT_MS }: CommandOptions = {},
): Promise<Ended> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(TIDEMILL_|NODE_TEST_CONTEXT$)/.test(name))
  const child = spawn(process.execPath, [join(ROOT, 'bin', 'tidemill.ts'), ...args], {
    cwd,
    env: { ...Object.fromEntries(inherited), ...env },
    timeout: timeoutMs,
  })
  child.stdin.end(stdin)
  const closed = once(child, 'close')
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = await closed
  return { code, stdout, stderr }
}
