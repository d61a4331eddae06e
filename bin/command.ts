import type { SettingName } from '../worker/config.ts'
import { TidemillError } from '../worker/errors.ts'

/** A flag that a command has besides those of the settings. */
export interface Flag {
  readonly type: 'string' | 'boolean'
  /** What stands for the value in the help, of a `string`. */
  readonly value?: string
  readonly help: string
}

/** What a command was called with. */
export interface Call {
  readonly positionals: readonly string[]
  /** The command's own flags, by name, as given. */
  readonly values: Readonly<Record<string, string | boolean | undefined>>
  /** Flags of settings, by the setting's name. */
  readonly settings: Readonly<Partial<Record<SettingName, string>>>
}

/** One command of the table. */
export interface Command {
  /** The arguments, as in `<file> [options]`. */
  readonly usage: string
  /** One paragraph and, after an empty line, examples or notes. */
  readonly help: string
  readonly flags: Readonly<Record<string, Flag>>
  /** The settings whose flags stand in the help; all others are taken too, unless `takesSettings` is false. */
  readonly shownSettings: readonly SettingName[]
  readonly takesSettings?: false
  /** How many arguments there must be. */
  readonly arguments: { readonly min: number; readonly max: number }
  /** Resolves with the exit code. */
  run(call: Call): Promise<number>
}

export const JSON_FLAG: Flag = { type: 'boolean', help: 'Print one JSON object as the last line of stdout.' }

/** A string flag's value. */
export function textOf(call: Call, name: string): string | undefined {
  const value = call.values[name]
  return typeof value === 'string' ? value : undefined
}

/** A flag's whole number, `least` to 999,999,999. @throws TidemillError `USAGE` where it is none */
export function wholeOf(call: Call, name: string, least = 0): number | undefined {
  const text = textOf(call, name)
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text)
  const expected = least === 0 ? 'a whole number' : `a whole number of ${least} or more`
  throw new TidemillError('USAGE', `--${name}: expected ${expected}, got ${JSON.stringify(text)}`)
}
