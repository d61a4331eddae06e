import { credentials, type Options, type SocketOptions } from 'amqplib'
import type { BrokerSettings } from '../../contracts.ts'
import { TidemillError } from '../../errors.ts'
import { tlsOf } from '../tls.ts'

/** What amqplib needs to connect. */
export interface Address {
  readonly target: Options.Connect
  readonly socket: SocketOptions
  /** Host, port and virtual host, without credentials. */
  readonly peer: string
}

export interface Credentials {
  readonly username: string
  readonly password: string
}

/** The parts of an AMQP URL that do not change between connections. */
export interface Endpoint {
  readonly secure: boolean
  readonly hostname: string
  readonly port: number
  readonly vhost: string
}

/**
 * Where to connect and as whom. Settings and TLS files are read anew at each call, so that rotated secrets are used
 * from the next connection on. Throws where a file can't be read or the URL is none.
 */
export function addressOf(settings: BrokerSettings): Address {
  const { secure, hostname, port, vhost } = endpointOf(settings.brokerUrl)
  const login = credentialsOf(settings)
  const external = secure && settings.tlsCertFile !== undefined && login === undefined
  const { username, password } = login ?? { username: 'guest', password: 'guest' }
  return {
    target: {
      protocol: secure ? 'amqps' : 'amqp',
      hostname,
      port,
      vhost: encodeURIComponent(vhost),
      username,
      password,
      heartbeat: Math.max(1, Math.round(settings.heartbeatMs / 1000)),
    },
    socket: {
      noDelay: true,
      keepAlive: true,
      clientProperties: { connection_name: `tidemill ${settings.queue}` },
      ...(external ? { credentials: credentials.external() } : {}),
      ...(secure ? tlsOf(settings) : {}),
    },
    peer: `${hostname}:${port}/${vhost === '/' ? '' : vhost}`,
  }
}

/** Throws a `CONFIG` error where the URL is no AMQP URL; the message leaves out what may hold a password. */
export function endpointOf(brokerUrl: string): Endpoint {
  const url = URL.parse(brokerUrl)
  const secure = url?.protocol === 'amqps:'
  if (url === null || (!secure && url.protocol !== 'amqp:')) {
    throw new TidemillError('CONFIG', 'expected a broker URL such as amqp://user@host:5672/vhost, got another')
  }
  return {
    secure,
    hostname: url.hostname.replace(/^\[|\]$/g, '') || 'localhost',
    port: url.port === '' ? (secure ? 5671 : 5672) : Number(url.port),
    vhost: decodeURIComponent(url.pathname.slice(1)) || '/',
  }
}

/** The user name and password of the settings, or else of the URL; undefined where neither names a user. */
export function credentialsOf(settings: BrokerSettings): Credentials | undefined {
  const url = URL.parse(settings.brokerUrl)
  const username = settings.brokerUsername ?? decodeURIComponent(url?.username ?? '')
  if (username === '') return undefined
  return { username, password: settings.brokerPassword ?? decodeURIComponent(url?.password ?? '') }
}
