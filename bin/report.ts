import { messageOf, TidemillError } from '../worker/errors.ts'
import { redactUrls } from '../worker/redact.ts'
import { printJson } from './setup.ts'

/** What was called. */
export interface Program {
  /** Stands before the sentence. */
  readonly name: string
  /** The command that tells how it is called. */
  readonly help: string
}

const USAGE_CODES: readonly string[] = ['USAGE', 'CONFIG', 'DEFINITION']

/** How deep the cause is looked for that the network named. */
const MAX_CAUSES = 5
const NETWORK = /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|EPIPE|ETIMEDOUT)$/

/**
 * Says what went wrong: the sentence of an error that we know or that the network named, all of one that we don't; with `isJson`
 * also as the last line of stdout. Returns the exit code: 2 for a faulty call, else 1.
 */
export function report({ name, help }: Program, error: unknown, isJson: boolean): number {
  const known = error instanceof TidemillError
  const foreign = known && error.code === 'DEFINITION' && error.cause instanceof Error ? `\n${error.cause.stack}` : ''
  const lost = known ? undefined : unreachable(error)
  const sentence = lost ?? messageOf(error)
  const stack = !known && lost === undefined && error instanceof Error ? error.stack : undefined
  process.stderr.write(`${redactUrls(`${name}: ${stack ?? `${sentence}${foreign}`}`)}\n`)
  const isUsage = known && USAGE_CODES.includes(error.code)
  if (known && error.code === 'USAGE') process.stderr.write(`See: ${help}\n`)
  if (isJson) printJson({ ok: false, error: redactUrls(sentence) })
  return isUsage ? 2 : 1
}

/** What the network said, where that is at the bottom of it: a stack says nothing of an address that is wrong. */
function unreachable(error: unknown): string | undefined {
  let at = error
  for (let depth = 0; depth < MAX_CAUSES && at instanceof Error; depth++) {
    const { code, message, cause } = at as Error & { code?: unknown }
    // Node's error for several addresses of one name has no text of its own.
    if (typeof code === 'string' && NETWORK.test(code)) return `the broker can't be reached: ${message || code}`
    at = cause
  }
  return undefined
}
