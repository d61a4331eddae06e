import type { Broker, BrokerSettings, WorkerEvent } from '../../contracts.ts'
import { ConfigError, TidemillError } from '../../errors.ts'
import { MemoryBroker, type MemoryOptions } from './broker.ts'

export type { MemoryBroker, MemoryOptions }

const brokers = new Map<string, MemoryBroker>()
const URL_FORM = /^memory:(?:\/\/([A-Za-z0-9._-]{0,100})\/?)?$/

/**
 * The memory broker of that name in this process, made at its first mention; `memory://name` means the same one.
 * @throws TidemillError `ILLEGAL_STATE` when options come for one that exists already
 */
export function memoryBroker(name = '', options?: MemoryOptions): MemoryBroker {
  const known = brokers.get(name)
  if (known === undefined) {
    const made = new MemoryBroker(name, options)
    brokers.set(name, made)
    return made
  }
  if (options !== undefined) {
    throw new TidemillError(
      'ILLEGAL_STATE',
      `expected options at the first mention of the memory broker '${name}' only`,
    )
  }
  return known
}

/** Opens the memory broker that `settings.brokerUrl` names: `memory:` or `memory://name`. */
export function openMemory(settings: BrokerSettings, observe: (event: WorkerEvent) => void): Broker {
  const form = URL_FORM.exec(settings.brokerUrl)
  if (form === null) {
    throw new ConfigError([`brokerUrl: expected memory: or memory://name, got ${JSON.stringify(settings.brokerUrl)}`])
  }
  return memoryBroker(form[1]).open(settings, observe)
}
