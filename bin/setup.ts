import { openBroker } from '../worker/brokers/index.ts'
import { readContainerLimits } from '../worker/cgroup.ts'
import {
  type LoadedSettings,
  loadSettings,
  readText,
  type SettingName,
  secretsOf,
  type WorkerSettings,
} from '../worker/config.ts'
import type { Broker } from '../worker/contracts.ts'
import { createLog, type Log, logObserver } from '../worker/log.ts'
import type { Call } from './command.ts'
import { loadWorkerFile } from './worker-file.ts'

/** The settings in force for a command, with those of the worker file where one is given. @throws ConfigError */
export async function settingsOf(
  call: Call,
  file: string | undefined,
  options: { readonly optional?: readonly SettingName[]; readonly fallback?: Partial<WorkerSettings> } = {},
): Promise<LoadedSettings> {
  const definition = file === undefined ? undefined : await loadWorkerFile(file)
  const { optional = [], fallback } = options
  return loadSettings({
    env: process.env,
    definition,
    flags: call.settings,
    settings: fallback,
    readFile: readText,
    container: readContainerLimits(),
    optional,
  })
}

/** Opens the broker for a command that runs once: what goes wrong with the connection is said on stderr. */
export async function openForCommand(settings: WorkerSettings): Promise<{ broker: Broker; log: Log }> {
  const level = settings.logLevel === 'info' ? 'warn' : settings.logLevel
  const log = createLog({ level, to: 2, secrets: secretsOf(settings) })
  const observer = logObserver(log)
  return { broker: await openBroker(settings, (event) => observer.event(event)), log }
}

/** Writes the one JSON object that is the last line of stdout. */
export function printJson(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}
