import { execFile } from 'node:child_process'

/** How a command ended. `code` is undefined where it never ran or was killed. */
export interface CommandResult {
  readonly ok: boolean
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
  /** One line for a log or an error: why it failed. Empty when `ok`. */
  readonly fault: string
}

/** Bounds and surroundings of a command. */
export interface CommandOptions {
  /** Milliseconds after which the command is killed. */
  readonly timeoutMs: number
  /** Default: this process's environment. */
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
}

const MAX_OUTPUT_BYTES = 16 * 1024 * 1024

/** Runs a command to its end, without a shell. Never rejects: a command that is not there is a result as well. */
export function run(command: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const { timeoutMs, env, cwd } = options
  const settings = { timeout: timeoutMs, killSignal: 'SIGKILL' as const, maxBuffer: MAX_OUTPUT_BYTES, env, cwd }
  return new Promise((resolve) => {
    const child = execFile(command, args, settings, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : undefined
      resolve({ ok: error === null, code, stdout, stderr, fault: error === null ? '' : faultOf(error, stderr) })
    })
    child.stdin?.end()
  })

  function faultOf(error: Error & { code?: unknown; killed?: boolean }, stderr: string): string {
    if (error.code === 'ENOENT') return `${command} is not there`
    if (error.killed === true) return `${command} ${args[0] ?? ''} took longer than ${timeoutMs} ms`
    const last = tail(stderr, 3).replaceAll('\n', ' | ')
    return `${command} ${args[0] ?? ''} failed (${String(error.code ?? error.message)})${last === '' ? '' : `: ${last}`}`
  }
}

/** The last lines of a text that hold something. */
export function tail(text: string, lines: number): string {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-lines)
    .join('\n')
}
