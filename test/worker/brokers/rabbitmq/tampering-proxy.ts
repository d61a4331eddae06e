import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A proxy that changes what the broker says of itself, and says things in the client's name. */
export class TamperingProxy {
  readonly #server: Server
  readonly #pairs = new Map<Socket, { readonly upstream: Socket; readonly channels: Set<number> }>()

  /** `change` sees each chunk that the broker sends, before the client does. */
  static async start(targetUrl: string, change: (chunk: Buffer) => Buffer = (chunk) => chunk): Promise<TamperingProxy> {
    const proxy = new TamperingProxy(new URL(targetUrl), change)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  private constructor(target: URL, change: (chunk: Buffer) => Buffer) {
    this.#server = createServer((client) => {
      const upstream = connect(Number(target.port || 5672), target.hostname)
      const channels = new Set<number>()
      const look = channelsIn(channels)
      this.#pairs.set(client, { upstream, channels })
      client.pipe(upstream)
      upstream.on('data', (chunk: Buffer) => {
        look(chunk)
        client.write(change(chunk))
      })
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        socket.on('error', () => undefined)
        socket.on('close', () => {
          other.destroy()
          this.#pairs.delete(client)
        })
      }
    })
  }

  through(url: string): string {
    const changed = new URL(url)
    changed.hostname = '127.0.0.1'
    changed.port = String((this.#server.address() as AddressInfo).port)
    return changed.href
  }

  /**
   * Acknowledges, on this channel of every connection that has it open, a tag that was never delivered: the broker closes the
   * channel. On a connection that is being opened the frame would stand where the broker expects the protocol's header.
   */
  acknowledgeNonsense(channel: number): void {
    const frame = Buffer.alloc(21)
    frame.writeUInt8(1, 0)
    frame.writeUInt16BE(channel, 1)
    frame.writeUInt32BE(13, 3)
    frame.writeUInt32BE(0x003c0050, 7)
    frame.writeBigUInt64BE(987_654n, 11)
    frame.writeUInt8(0xce, 20)
    for (const { upstream, channels } of this.#pairs.values()) if (channels.has(channel)) upstream.write(frame)
  }

  async close(): Promise<void> {
    for (const [client, { upstream }] of this.#pairs) {
      client.destroy()
      upstream.destroy()
    }
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** Notes the channels of the frames that are in what it is handed, chunk by chunk. */
function channelsIn(channels: Set<number>): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    // Type, channel and size, then so many bytes and one that ends the frame.
    while (rest.length >= 7 && rest.length >= rest.readUInt32BE(3) + 8) {
      channels.add(rest.readUInt16BE(1))
      rest = rest.subarray(rest.readUInt32BE(3) + 8)
    }
  }
}
