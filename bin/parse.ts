import { parseArgs } from 'node:util'
import type { SettingName } from '../worker/config.ts'
import { TidemillError } from '../worker/errors.ts'
import { hasPassword } from '../worker/redact.ts'
import { envName, flagName, SETTING_NAMES, SETTINGS } from '../worker/settings-table.ts'
import { didYouMean, suggest } from '../worker/suggest.ts'
import type { Call, Command } from './command.ts'

const FLAGS_OF_SETTINGS = new Map<string, SettingName>(SETTING_NAMES.map((name) => [flagName(name), name]))

/**
 * Reads a command's arguments. `--broker` takes a URL, or the name of a broker: `rabbitmq` is the one of `TIDEMILL_BROKER_URL`,
 * else the one on this machine; `kafka` likewise; `memory` lives in this process.
 * @throws TidemillError `USAGE` naming every fault
 */
export function parseCall(command: Omit<Command, 'run'>, args: readonly string[], env: NodeJS.ProcessEnv): Call {
  const known = knownFlags(command)
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries([...known].map(([name, type]) => [name, { type }])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const faults: string[] = []
  const positionals: string[] = []
  const values: Record<string, string | boolean> = {}
  const settings: Partial<Record<SettingName, string>> = {}
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    // Node takes the next flag for this one's value.
    const value = token.inlineValue === false && token.value.startsWith('--') ? undefined : token.value
    const fault = flagFault(token.rawName, token.name, value, known)
    if (fault !== undefined) {
      faults.push(fault)
      continue
    }
    const setting = token.name in command.flags ? undefined : FLAGS_OF_SETTINGS.get(token.name)
    if (setting === undefined) values[token.name] = token.value ?? true
    else settings[setting] = token.value as string
  }
  const { min, max } = command.arguments
  // The value of an unknown flag would be counted as well.
  if (faults.length === 0 && (positionals.length < min || positionals.length > max)) {
    faults.push(`expected ${amount(min, max)}, got ${positionals.length === 0 ? 'none' : positionals.length}`)
  }
  resolveBroker(settings, env)
  if (faults.length > 0) throw new TidemillError('USAGE', faults.join('\n'))
  return { positionals, values, settings }
}

function knownFlags(command: Omit<Command, 'run'>): Map<string, 'string' | 'boolean'> {
  const known = new Map<string, 'string' | 'boolean'>([['help', 'boolean']])
  if (command.takesSettings !== false) for (const name of FLAGS_OF_SETTINGS.keys()) known.set(name, 'string')
  for (const [name, { type }] of Object.entries(command.flags)) known.set(name, type)
  return known
}

function flagFault(
  raw: string,
  name: string,
  value: string | undefined,
  known: ReadonlyMap<string, 'string' | 'boolean'>,
): string | undefined {
  const type = known.get(name)
  if (type === undefined) {
    const near = suggest(name, known.keys())
    return `${raw}: expected a known flag, got this one${didYouMean(near && `--${near}`)}`
  }
  if (type === 'boolean') return value === undefined ? undefined : `${raw}: expected no value, got one`
  if (value === undefined || value === '') return `${raw}: expected a value, got none`
  const setting = FLAGS_OF_SETTINGS.get(name)
  const secret = setting && SETTINGS[setting].secret
  if (secret !== 'whole' && !(secret === 'url' && hasPassword(value))) return undefined
  return `${raw}: expected no password on the command line, where everybody on the machine can read it; set ${envName(setting!)} or ${envName(setting!)}_FILE`
}

function amount(min: number, max: number): string {
  const word = (count: number) => (count === 1 ? '1 argument' : `${count} arguments`)
  return min === max ? word(min) : `${min} to ${word(max)}`
}

function resolveBroker(settings: Partial<Record<SettingName, string>>, env: NodeJS.ProcessEnv): void {
  switch (settings.brokerUrl) {
    case 'memory':
      settings.brokerUrl = 'memory:'
      return
    case 'rabbitmq':
      useOwnOr(settings, env, /^amqps?:/, 'amqp://localhost:5672')
      return
    case 'kafka':
      useOwnOr(settings, env, /^kafkas?:/, 'kafka://localhost:9092')
  }
}

/** The URL of the environment where it is one of that broker or in a file, else the broker on this machine. */
function useOwnOr(
  settings: Partial<Record<SettingName, string>>,
  env: NodeJS.ProcessEnv,
  scheme: RegExp,
  local: string,
): void {
  if (env['TIDEMILL_BROKER_URL_FILE'] || scheme.test(env['TIDEMILL_BROKER_URL'] ?? '')) delete settings.brokerUrl
  else settings.brokerUrl = local
}
