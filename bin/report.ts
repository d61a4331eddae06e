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

/**
 * Says what went wrong: the sentence of an error that we know, all of one that we don't; with `isJson` also as the last line of
 * stdout. Returns the exit code: 2 for a faulty call, else 1.
 */
export function report({ name, help }: Program, error: unknown, isJson: boolean): number {
  const known = error instanceof TidemillError
  const foreign = known && error.code === 'DEFINITION' && error.cause instanceof Error ? `\n${error.cause.stack}` : ''
  const text = known
    ? `${messageOf(error)}${foreign}`
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error)
  process.stderr.write(`${redactUrls(`${name}: ${text}`)}\n`)
  const isUsage = known && USAGE_CODES.includes(error.code)
  if (known && error.code === 'USAGE') process.stderr.write(`See: ${help}\n`)
  if (isJson) printJson({ ok: false, error: redactUrls(messageOf(error)) })
  return isUsage ? 2 : 1
}
