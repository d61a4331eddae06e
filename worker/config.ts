import { readFileSync } from 'node:fs'
import { passwordOf } from './broker-url.ts'
import { readContainerLimits } from './cgroup.ts'
import type { BrokerSettings } from './contracts.ts'
import type { WorkerDefinition } from './define.ts'
import { ConfigError, messageOf } from './errors.ts'
import { HIDDEN, hasPassword, redactUrls } from './redact.ts'
import type { Setting } from './setting.ts'
import { ruleFaults } from './settings-rules.ts'
import { envName, flagName, SETTING_NAMES, SETTINGS, type SettingName, type WorkerSettings } from './settings-table.ts'
import type { ContainerLimits } from './sizing.ts'
import { didYouMean, suggest } from './suggest.ts'

export type { SettingName, WorkerSettings } from './settings-table.ts'

/**
 * Where a setting's value came from. `settings`: handed in by a program that embeds the worker. `container`: a default that
 * follows from the limits of the container.
 */
export type Origin = 'flag' | 'env' | 'file' | 'settings' | 'definition' | 'container' | 'default'

export interface Sources {
  /** Defaults to nothing. Only `TIDEMILL_*` is read; an empty value counts as none. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly definition?: WorkerDefinition | undefined
  /** By the setting's name, as text. */
  readonly flags?: Readonly<Partial<Record<SettingName, string>>>
  /** By the setting's name, as values. */
  readonly settings?: Partial<WorkerSettings> | undefined
  /** Reads a file as text; throws when it can't. */
  readonly readFile: (path: string) => string
  /** What defaults are fitted to. Default: no limits. */
  readonly container?: ContainerLimits
  /** May be missing although they are required; an empty text then. */
  readonly optional?: readonly SettingName[]
}

export interface LoadedSettings {
  readonly settings: WorkerSettings
  readonly origins: Readonly<Record<SettingName, Origin>>
  /** Why a default is what it is, where it was fitted to the host. */
  readonly reasons: Readonly<Partial<Record<SettingName, string>>>
}

/**
 * What is in force: a flag, else the environment or a file that it names, else `settings`, else the definition, else the default.
 * @throws ConfigError naming every fault, what was expected and what came; passwords are never in it
 */
export function loadSettings(sources: Sources): LoadedSettings {
  const faults = [...unknownVariables(sources.env ?? {}), ...unknownSettings(sources.settings ?? {})]
  const faulty = new Set<SettingName>()
  const settings: Partial<Record<SettingName, unknown>> = {}
  const origins: Partial<Record<SettingName, Origin>> = {}
  const reasons: Partial<Record<SettingName, string>> = {}
  for (const name of SETTING_NAMES) {
    const found = find(name, sources)
    if (found.value === undefined && sources.optional?.includes(name) && found.fault === undefined) {
      settings[name] = ''
      origins[name] = 'default'
      continue
    }
    const fault = found.fault ?? judge(SETTINGS[name], found, sources.readFile)
    if (fault !== undefined) {
      faults.push(`${found.label}: ${fault}`)
      faulty.add(name)
    }
    settings[name] = found.value
    origins[name] = found.origin
    if (found.reason !== undefined) reasons[name] = found.reason
  }
  if (faults.length === 0) capConcurrency(settings as Mutable<WorkerSettings>, reasons, sources.definition)
  faults.push(...ruleFaults(settings as unknown as WorkerSettings, sources.definition, faulty))
  if (faults.length > 0) throw new ConfigError(faults)
  return {
    settings: Object.freeze(settings) as unknown as WorkerSettings,
    origins: Object.freeze(origins) as Record<SettingName, Origin>,
    reasons: Object.freeze(reasons),
  }
}

/**
 * The settings of a worker that is embedded in a program: from `overrides`, else the definition, else the defaults, fitted to
 * the container; the environment is not read. The broker's URL may be missing (a broker that was opened before needs none).
 * @throws ConfigError naming every fault
 */
export function resolveSettings(definition: WorkerDefinition, overrides: Partial<WorkerSettings>): WorkerSettings {
  const container = readContainerLimits()
  return loadSettings({ definition, settings: overrides, readFile: readText, container, optional: ['brokerUrl'] })
    .settings
}

/** The settings of a connection: from `given`, else the defaults. @throws ConfigError naming every fault */
export function resolveBrokerSettings(given: Partial<BrokerSettings>): BrokerSettings {
  return loadSettings({ settings: given, readFile: readText }).settings
}

/** A file's text, as UTF-8. */
export function readText(path: string): string {
  return readFileSync(path, 'utf8')
}

/** A setting's value as text that may be shown: without secrets. */
export function showSetting(name: SettingName, value: unknown): string {
  const { secret } = SETTINGS[name]
  if (value === undefined) return ''
  if (secret === 'whole') return HIDDEN
  return redactUrls(Array.isArray(value) ? value.join(',') : String(value))
}

/** The passwords that no line of a log may show. */
export function secretsOf(settings: WorkerSettings): (string | undefined)[] {
  return [settings.brokerPassword, passwordOf(settings.brokerUrl), passwordOf(settings.managementUrl ?? '')]
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** A job that is fetched for a slot in which it can't run would only be kept from other workers. */
function capConcurrency(
  settings: Mutable<WorkerSettings>,
  reasons: Partial<Record<SettingName, string>>,
  definition: WorkerDefinition | undefined,
): void {
  const { concurrency, threads } = settings
  const onlyThreads = definition?.jobs.every(({ handler }) => handler instanceof URL) ?? false
  if (!onlyThreads || concurrency <= threads) return
  settings.concurrency = threads
  reasons.concurrency = `every job runs in a thread, and there are ${threads} (threads); ${concurrency} would else be the ${reasons.concurrency === undefined ? 'value given' : 'default'}`
}

interface Found {
  readonly value: unknown
  readonly origin: Origin
  /** What the user would look for to put it right. */
  readonly label: string
  readonly fault?: string | undefined
  readonly reason?: string
}

function find(name: SettingName, sources: Sources): Found {
  const { env = {}, definition, flags = {}, settings = {}, readFile, container } = sources
  const setting: Setting<unknown> = SETTINGS[name]
  const flag = flags[name]
  if (flag !== undefined) return { value: setting.parse(flag), origin: 'flag', label: `--${flagName(name)}` }
  const variable = envName(name)
  const text = env[variable] || undefined
  const path = setting.secret === undefined ? undefined : env[`${variable}_FILE`] || undefined
  if (text !== undefined && path !== undefined) {
    const fault = `expected one of ${variable} and ${variable}_FILE, got both`
    return { value: undefined, origin: 'env', label: variable, fault }
  }
  if (text !== undefined) return { value: setting.parse(text), origin: 'env', label: variable }
  if (path !== undefined) return fromFile(setting, `${variable}_FILE`, path, readFile)
  if (settings[name] !== undefined) return { value: settings[name], origin: 'settings', label: `settings.${name}` }
  const defined = (definition as Partial<Record<string, unknown>> | undefined)?.[name]
  if (defined !== undefined) return { value: defined, origin: 'definition', label: `${name} of defineWorker` }
  const fit = container && setting.fit?.(container)
  return fit === undefined ? { value: setting.fallback, origin: 'default', label: name } : { ...fit, label: name }
}

function fromFile(setting: Setting<unknown>, label: string, path: string, readFile: Sources['readFile']): Found {
  const read = readable(path, readFile)
  if ('fault' in read) return { value: undefined, origin: 'file', label, fault: read.fault }
  return { value: setting.parse(read.text.replace(/\r?\n$/, '')), origin: 'file', label }
}

function judge(setting: Setting<unknown>, found: Found, readFile: Sources['readFile']): string | undefined {
  const { value } = found
  if (value === undefined && setting.required)
    return `expected ${setting.expected}, got nothing${howToSet(found.label)}`
  const result = setting.schema.safeParse(value)
  if (!result.success) {
    const custom = result.error.issues.find((issue) => issue.code === 'custom')
    return `expected ${custom?.message ?? setting.expected}, got ${show(setting, value)}${hint(value)}`
  }
  if (setting.path === undefined || typeof value !== 'string') return undefined
  const read = readable(value, readFile)
  return 'fault' in read ? read.fault : undefined
}

function howToSet(label: string): string {
  const name = label as SettingName
  return name in SETTINGS ? ` (set ${envName(name)} or --${flagName(name)})` : ''
}

function readable(path: string, readFile: Sources['readFile']): { text: string } | { fault: string } {
  try {
    return { text: readFile(path) }
  } catch (error) {
    return { fault: `expected a readable file, got ${JSON.stringify(path)}: ${messageOf(error)}` }
  }
}

/** What came, bounded, and nothing of a secret: a faulty URL may have its password in any place, so only its scheme is shown. */
function show(setting: Setting<unknown>, value: unknown): string {
  if (setting.secret === 'whole') return 'something else (not shown)'
  if (typeof value !== 'string') return bounded(JSON.stringify(value) ?? typeof value)
  if (setting.secret === undefined) return bounded(JSON.stringify(value))
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(value)?.[0]
  return scheme === undefined || hasPassword(value) || value.includes('@')
    ? `${scheme === undefined ? '' : `${scheme}//… `}(not shown: it may hold a password)`.trim()
    : bounded(JSON.stringify(value))
}

function bounded(text: string): string {
  return text.length > 120 ? `${text.slice(0, 119)}…` : text
}

/** A Service named `tidemill-http` makes Kubernetes set TIDEMILL_HTTP_PORT to its own address. */
function hint(value: unknown): string {
  const link = typeof value === 'string' && /^(tcp|udp|sctp):\/\//.test(value)
  return link ? ' (a Kubernetes service link, it seems: set enableServiceLinks to false)' : ''
}

const PREFIX = 'TIDEMILL_'
/** What Kubernetes sets for a Service whose name begins with `tidemill`. */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/

/** What says which image a local broker or the compose file is started from, or where a load test keeps its ledger: not the worker's, but no mistake either. */
const NEIGHBOUR = /^TIDEMILL_(([A-Z]+_)?IMAGE|LEDGER)$/

const VARIABLES = new Set(
  SETTING_NAMES.flatMap((name) =>
    SETTINGS[name].secret === undefined ? [envName(name)] : [envName(name), `${envName(name)}_FILE`],
  ),
)

function foreign(name: string): boolean {
  return SERVICE_LINK.test(name) || NEIGHBOUR.test(name)
}

function unknownSettings(settings: object): string[] {
  return Object.keys(settings)
    .filter((name) => !Object.hasOwn(SETTINGS, name))
    .map((name) => {
      const near = suggest(name, SETTING_NAMES)
      return `settings.${bounded(name)}: expected a known setting, got this one${didYouMean(near)}`
    })
}

function unknownVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !VARIABLES.has(name) && !foreign(name))
    .map((name) => {
      const near = suggest(
        name.slice(PREFIX.length),
        Array.from(VARIABLES, (known) => known.slice(PREFIX.length)),
      )
      return `${bounded(name)}: expected a known variable, got this one${didYouMean(near && `${PREFIX}${near}`)}`
    })
}
