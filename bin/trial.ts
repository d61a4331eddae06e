import type { Call } from './command.ts'
import { printJson } from './setup.ts'

/** What a trial came to. */
export interface TrialResult {
  /** For people; the last line is the count. */
  readonly lines: readonly string[]
  /** For programs: the last line of stdout with `--json`. */
  readonly report: { readonly ok: boolean }
}

/**
 * Runs what tries things on this machine: SIGINT and SIGTERM end it early, what it came to is told to people or to programs.
 * Resolves with the exit code.
 */
export async function runTrial(call: Call, trial: (signal: AbortSignal) => Promise<TrialResult>): Promise<number> {
  const isJson = call.values['json'] === true
  const ending = new AbortController()
  const end = (signal: NodeJS.Signals) => ending.abort(new Error(`ended by ${signal}`))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end)
  try {
    const { lines, report } = await trial(ending.signal)
    const out = isJson ? process.stderr : process.stdout
    out.write(`\n${lines.join('\n')}\n`)
    if (isJson) printJson(report)
    return report.ok ? 0 : 1
  } catch (error) {
    // Node's own waits say only that they were aborted, not why.
    throw ending.signal.aborted && (error as Error).name === 'AbortError' ? ending.signal.reason : error
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, end)
  }
}
