import { isIP, type Socket, connect as tcpConnect } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import kafkajs, { type ISocketFactory } from 'kafkajs'
import type { BrokerSettings } from '../../contracts.ts'
import { TidemillError } from '../../errors.ts'
import { tlsOf } from '../tls.ts'
import { addressOf } from './address.ts'
import { registerCodecs } from './codecs.ts'
import { stopIdleTimer } from './idle-timer.ts'

const KEEP_ALIVE_MS = 60_000
const RETRY_MIN_MS = 100
const RETRY_MAX_MS = 1_000

interface Sockets {
  readonly open: Set<Socket>
  closed: boolean
}

/** kafkajs, silent: what it logs comes as an error or an event as well. It knows its sockets, so that its end can be certain. */
export class Client extends kafkajs.Kafka {
  /** The brokers of the URL, without credentials. */
  readonly peer: string
  readonly #sockets: Sockets

  constructor(settings: BrokerSettings, clientId: string) {
    const { brokers, secure, sasl, peer } = addressOf(settings)
    const sockets: Sockets = { open: new Set(), closed: false }
    super({
      clientId,
      // kafkajs takes what follows the first colon for the port.
      brokers: shuffled(brokers.map(({ host, port }) => `${encodeURIComponent(host)}:${port}`)),
      ssl: secure,
      ...(sasl === undefined ? {} : { sasl }),
      socketFactory: socketsOf(settings, new Map(brokers.map(({ host }) => [encodeURIComponent(host), host])), sockets),
      connectionTimeout: settings.connectTimeoutMs,
      authenticationTimeout: settings.connectTimeoutMs,
      // The loops around it try again, for ever; inside, only as often as it takes to come by every broker of the list.
      retry: { retries: Math.max(2, brokers.length), initialRetryTime: RETRY_MIN_MS, maxRetryTime: RETRY_MAX_MS },
      logLevel: kafkajs.logLevel.NOTHING,
      logCreator: () => () => {},
    })
    this.peer = peer
    this.#sockets = sockets
  }

  /** Ends all its connections at once, and opens no more: kafkajs waits for what a broker owes, however long, before it closes one. */
  destroy(): void {
    this.#sockets.closed = true
    for (const socket of this.#sockets.open) socket.destroy(new TidemillError('CLOSED', 'the client was closed'))
  }
}

/** Opens nothing yet. Throws a `CONFIG` error where the URL is no Kafka URL. */
export function openClient(settings: BrokerSettings, clientId = `tidemill-${settings.queue}`): Client {
  registerCodecs()
  stopIdleTimer()
  return new Client(settings, clientId)
}

function socketsOf(settings: BrokerSettings, encoded: ReadonlyMap<string, string>, sockets: Sockets): ISocketFactory {
  return ({ host: given, port, ssl, onConnect }) => {
    if (sockets.closed) throw new TidemillError('CLOSED', 'the client was closed')
    const host = encoded.get(given) ?? given
    const name = isIP(host) === 0 ? { servername: host } : {}
    const socket = ssl
      ? tlsConnect({ host, port, ...name, ...tlsOf(settings) }, onConnect)
      : tcpConnect({ host, port }, onConnect)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    // A small request behind another would otherwise wait for the first one's acknowledgement.
    socket.setNoDelay(true)
    sockets.open.add(socket)
    socket.once('close', () => sockets.open.delete(socket))
    return socket
  }
}

/** kafkajs begins with the first one, always: a first one that is down would be waited for each time. */
function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, rank: Math.random() }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ item }) => item)
}
