import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** `up`: from the client to the broker; `down`: from the broker to the client. */
export type Direction = 'up' | 'down'

/** Told each chunk of one connection, as it came and before it goes on. */
export type Listener = (direction: Direction, chunk: Buffer) => void

interface Pair {
  readonly client: Socket
  readonly server: Socket
}

/**
 * A TCP proxy in front of a broker that can fail on demand: cut connections, swallow them, delay them.
 * What it holds back is not lost but comes later, as TCP would have it.
 */
export class FaultProxy {
  readonly #server: Server
  readonly #target: { readonly host: string; readonly port: number }
  readonly #pairs = new Set<Pair>()
  readonly #held = new Set<Direction>()
  readonly #listen: (() => Listener) | undefined
  #latencyMs = 0
  #refusing = false
  #accepted = 0

  /** Listens on 127.0.0.1, on any free port unless one is named. `listen` is called once for each connection. */
  static async start(targetUrl: string, listenOn = 0, listen?: () => Listener): Promise<FaultProxy> {
    const { hostname, port } = new URL(targetUrl)
    const proxy = new FaultProxy({ host: hostname, port: Number(port || 5672) }, listen)
    proxy.#server.listen(listenOn, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  private constructor(target: { host: string; port: number }, listen: (() => Listener) | undefined) {
    this.#target = target
    this.#listen = listen
    this.#server = createServer((client) => this.#accept(client))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Connections through the proxy that are open now. */
  get open(): number {
    return this.#pairs.size
  }

  /** Connections that came since the proxy started, refused ones included. */
  get accepted(): number {
    return this.#accepted
  }

  /** The same URL, by way of the proxy. */
  through(url: string): string {
    const changed = new URL(url)
    changed.hostname = '127.0.0.1'
    changed.port = String(this.port)
    return changed.href
  }

  /** Resets every open connection on both sides. New ones are served, unless `refuse` is set. Returns how many were cut. */
  cut({ refuse = false } = {}): number {
    this.#refusing = refuse
    const cut = this.#pairs.size
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy()
      server.resetAndDestroy()
    }
    return cut
  }

  /** Forwards nothing any more, in both directions or in one (half-open): peers see silence, not an end. */
  blackhole(...directions: Direction[]): void {
    for (const direction of directions.length === 0 ? (['up', 'down'] as const) : directions) this.#held.add(direction)
    for (const { client, server } of this.#pairs) {
      if (this.#held.has('up')) client.pause()
      if (this.#held.has('down')) server.pause()
    }
  }

  /** Delays each chunk of each direction by this much. */
  delay(latencyMs: number): void {
    this.#latencyMs = latencyMs
  }

  /** Ends every fault; what was held back goes on its way. */
  heal(): void {
    this.#held.clear()
    this.#latencyMs = 0
    this.#refusing = false
    for (const { client, server } of this.#pairs) {
      // An end that came while nothing came through is told now.
      if (client.destroyed || server.destroyed) {
        client.destroy()
        server.destroy()
      }
      client.resume()
      server.resume()
    }
  }

  async close(): Promise<void> {
    this.heal()
    this.cut({ refuse: true })
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(client: Socket): void {
    this.#accepted += 1
    client.on('error', () => undefined)
    if (this.#refusing) {
      client.resetAndDestroy()
      return
    }
    const server = connect(this.#target)
    server.on('error', () => undefined)
    const pair = { client, server }
    this.#pairs.add(pair)
    const listener = this.#listen?.()
    this.#forward('up', client, server, listener)
    this.#forward('down', server, client, listener)
    const ends: readonly [Direction, Socket, Socket][] = [
      ['up', client, server],
      ['down', server, client],
    ]
    for (const [direction, socket, peer] of ends) {
      socket.setNoDelay(true)
      socket.once('close', () => {
        if (!this.#held.has(direction)) peer.destroy()
        if (peer.destroyed) this.#pairs.delete(pair)
      })
    }
  }

  #forward(direction: Direction, from: Socket, to: Socket, listener: Listener | undefined): void {
    const pass = (chunk: Buffer) => {
      if (to.writable && !to.write(chunk)) {
        from.pause()
        to.once('drain', () => this.#held.has(direction) || from.resume())
      }
    }
    // Each timer lets the oldest go: so they keep their order when the delay changes.
    const late: Buffer[] = []
    from.on('data', (chunk: Buffer) => {
      listener?.(direction, chunk)
      late.push(chunk)
      const release = () => pass(late.shift()!)
      if (this.#latencyMs === 0 && late.length === 1) release()
      else setTimeout(release, this.#latencyMs)
    })
    from.on('end', () => to.end())
    if (this.#held.has(direction)) from.pause()
  }
}
