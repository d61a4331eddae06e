import type { Writable } from 'node:stream'
import { type ChannelModel, connect, type SocketOptions } from 'amqplib'
import type { BrokerSettings } from '../../contracts.ts'
import { TidemillError } from '../../errors.ts'
import { settledWithin, within } from '../waiting.ts'
import { addressOf } from './address.ts'
import { gather } from './gather.ts'
import { type Version, versionOf } from './version.ts'

/** What amqplib does not declare: node:net and node:tls take a signal that destroys the socket. */
type Socket = SocketOptions & { readonly signal: AbortSignal }

const LINGER_MS = 500

/** One AMQP connection, from its handshake to its end. */
export class Line {
  readonly model: ChannelModel
  readonly version: Version
  /** The broker, its version and where it is. */
  readonly peer: string
  /** Resolves with the reason, if there is one, when the connection has ended for whatever cause. */
  readonly closed: Promise<unknown>
  readonly #socket: AbortController
  #end: (reason: unknown) => void = () => {}
  #linger: NodeJS.Timeout | undefined

  constructor(model: ChannelModel, peer: string, socket: AbortController) {
    const { product, version } = model.connection.serverProperties
    this.model = model
    this.version = versionOf(version)
    this.peer = `${product} ${version} at ${peer}`
    this.#socket = socket
    this.closed = new Promise((resolve) => {
      this.#end = resolve
    })
    let reason: unknown
    model.on('error', (error) => {
      reason ??= error
    })
    // A close that the broker forces emits no error, only this.
    model.on('close', (error) => {
      this.#end(reason ?? error)
      // amqplib only ends its half: a peer that does not answer would keep the socket, and the process, for minutes.
      this.#linger = setTimeout(() => this.#socket.abort(), LINGER_MS)
    })
  }

  /** Ends the connection at once, without a word to the broker. */
  destroy(reason?: unknown): void {
    this.#end(reason)
    this.#socket.abort()
    clearTimeout(this.#linger)
  }

  /** Closes in good order, or not, within `timeoutMs`. The socket is gone afterwards. Never rejects. */
  async close(timeoutMs: number): Promise<void> {
    try {
      await settledWithin(this.model.close(), timeoutMs)
    } finally {
      this.destroy()
    }
  }
}

/**
 * Connects, within `connectTimeoutMs` over all: amqplib's own timeout is one of inactivity, so that a peer that sends
 * a byte now and then would hold it for ever. Rejects with `CONNECT_TIMEOUT` or with what the network said.
 */
export async function dial(settings: BrokerSettings, cancel?: AbortSignal): Promise<Line> {
  const { target, socket, peer } = addressOf(settings)
  const controller = new AbortController()
  const onCancel = (): void => controller.abort()
  cancel?.addEventListener('abort', onCancel, { once: true })
  if (cancel?.aborted) onCancel()
  try {
    const options: Socket = { ...socket, signal: controller.signal }
    const model = await within(connect(target, options), settings.connectTimeoutMs, `a broker at ${peer}`)
    gather(streamOf(model))
    return new Line(model, peer, controller)
  } catch (error) {
    controller.abort()
    if (cancel?.aborted) throw new TidemillError('CLOSED', 'closed while connecting', { cause: error })
    throw error
  } finally {
    cancel?.removeEventListener('abort', onCancel)
  }
}

/** What amqplib does not declare: the socket under a connection. */
function streamOf(model: ChannelModel): Writable {
  return (model.connection as unknown as { readonly stream: Writable }).stream
}

/** True where the broker refused the credentials; trying again soon would only lock the account. */
export function isRefusedLogin(error: unknown): boolean {
  return /ACCESS[-_]REFUSED|NOT[-_]ALLOWED/.test(String(error))
}
