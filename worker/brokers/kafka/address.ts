import type { SASLOptions } from 'kafkajs'
import { type HostPort, parseHostsUrl } from '../../broker-url.ts'
import type { BrokerSettings } from '../../contracts.ts'
import { TidemillError } from '../../errors.ts'

/** The port of a broker whose URL names none. */
const DEFAULT_PORT = 9092

/** Where to connect and as whom. */
export interface Address {
  readonly brokers: readonly Required<HostPort>[]
  /** Over TLS. */
  readonly secure: boolean
  readonly sasl: SASLOptions | undefined
  /** The brokers, without credentials. */
  readonly peer: string
}

/** Throws a `CONFIG` error where the URL is no Kafka URL; the message leaves out what may hold a password. */
export function addressOf(settings: BrokerSettings): Address {
  const url = parseHostsUrl(settings.brokerUrl)
  if (url === undefined || !['kafka', 'kafkas'].includes(url.scheme)) {
    throw new TidemillError('CONFIG', 'expected a broker URL such as kafka://user@host:9092,host:9092, got another')
  }
  const brokers = url.hosts.map(({ host, port }) => ({ host, port: port ?? DEFAULT_PORT }))
  const username = settings.brokerUsername ?? url.username
  const password = settings.brokerPassword ?? url.password
  return {
    brokers,
    secure: url.scheme === 'kafkas',
    sasl: username === '' ? undefined : { mechanism: settings.saslMechanism, username, password },
    peer: brokers.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(','),
  }
}
