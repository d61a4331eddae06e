import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'
import { STALL_METRIC } from './metrics-table.ts'
import { type Health, liveness, ProbeBoard, type ProbeLimits, readiness, remarks, type Verdict } from './probe.ts'

/** What the probes' thread is started with. */
export interface ProbeThreadData {
  readonly buffer: SharedArrayBuffer
  readonly host: string
  readonly port: number
  readonly limits: ProbeLimits
  readonly contentType: string
  /** What the stall of the event loop is labelled with. */
  readonly metricLabels: Readonly<Record<string, string>>
  /** How long the worker's thread may take to give its metrics, in ms. */
  readonly metricsTimeoutMs: number
}

/** What the thread tells. */
export type FromProbeThread =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'scrape' }

/** What the thread is told. */
export type ToProbeThread = { readonly kind: 'metrics'; readonly text: string | undefined } | { readonly kind: 'close' }

interface Answer {
  readonly status: number
  readonly type?: string
  readonly body: string
}

const JSON_TYPE = 'application/json; charset=utf-8'
const TEXT_TYPE = 'text/plain; charset=utf-8'
const TIMEOUT_MS = 5_000
const MAX_CONNECTIONS = 64

/** The server of probes and metrics. It runs in a thread of its own, so that it answers while a handler blocks the event loop. */
class ProbeServer {
  readonly #data: ProbeThreadData
  readonly #board: ProbeBoard
  readonly #server: Server
  readonly #tell: (message: FromProbeThread) => void
  #scrape: PromiseWithResolvers<string | undefined> | undefined

  constructor(data: ProbeThreadData, tell: (message: FromProbeThread) => void) {
    this.#data = data
    this.#tell = tell
    this.#board = new ProbeBoard(undefined, data.buffer)
    this.#server = createServer(
      {
        maxHeaderSize: 1_024,
        headersTimeout: TIMEOUT_MS,
        requestTimeout: TIMEOUT_MS,
        keepAliveTimeout: TIMEOUT_MS,
        connectionsCheckingInterval: 1_000,
      },
      (request, response) => void this.#serve(request, response),
    )
    this.#server.timeout = 2 * TIMEOUT_MS
    this.#server.maxConnections = MAX_CONNECTIONS
  }

  listen(): void {
    const { host, port } = this.#data
    this.#server.once('error', (error: NodeJS.ErrnoException) => {
      this.#tell({ kind: 'failed', code: error.code ?? 'UNKNOWN', message: error.message })
    })
    this.#server.listen({ host, port, exclusive: true }, () => {
      const address = this.#server.address()
      this.#tell({ kind: 'listening', port: typeof address === 'object' && address !== null ? address.port : port })
    })
  }

  hear(message: ToProbeThread): void {
    if (message.kind === 'metrics') {
      this.#scrape?.resolve(message.text)
      return
    }
    this.#server.close()
    this.#server.closeAllConnections()
    parentPort?.close()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, type = TEXT_TYPE, body } = await this.#answer(request)
    // What was refused may have a body that nobody will read: the connection can't be used again.
    const refused = status === 405 || status === 413
    response.writeHead(status, {
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      ...(status === 405 && { allow: 'GET, HEAD' }),
      ...(refused && { connection: 'close' }),
    })
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  async #answer({ method, url = '', headers }: IncomingMessage): Promise<Answer> {
    if (method !== 'GET' && method !== 'HEAD') return { status: 405, body: 'expected GET or HEAD\n' }
    if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) {
      return { status: 413, body: 'expected no body\n' }
    }
    const health = this.#board.read()
    switch (url.split('?', 1)[0]) {
      case '/livez':
        return short(liveness(health, this.#data.limits))
      case '/readyz':
        return short(readiness(health))
      case '/startupz':
        return short(this.#board.everRunning ? { ok: true, reasons: [] } : readiness(health))
      case '/healthz':
        return full(health, this.#data.limits)
      case '/metrics':
        return this.#metrics()
      default:
        return { status: 404, body: 'expected /livez, /readyz, /startupz, /healthz or /metrics\n' }
    }
  }

  async #metrics(): Promise<Answer> {
    const text = await this.#ask()
    const { name, type, sentence } = STALL_METRIC
    const stalled = this.#board.read().stalledMs / 1_000
    const labels = labelled(this.#data.metricLabels)
    const own = `# HELP ${name} ${sentence}\n# TYPE ${name} ${type}\n${name}${labels} ${stalled}\n`
    return { status: 200, type: this.#data.contentType, body: text === undefined ? own : `${text}\n${own}` }
  }

  /** The metrics of the worker's thread, or undefined when it is too busy to answer in time. Scrapes that come together share one. */
  async #ask(): Promise<string | undefined> {
    if (this.#scrape !== undefined) return this.#scrape.promise
    const scrape = Promise.withResolvers<string | undefined>()
    this.#scrape = scrape
    const timer = setTimeout(scrape.resolve, this.#data.metricsTimeoutMs, undefined)
    this.#tell({ kind: 'scrape' })
    const text = await scrape.promise
    clearTimeout(timer)
    this.#scrape = undefined
    return text
  }
}

/** Labels as Prometheus' text format has them. */
function labelled(labels: Readonly<Record<string, string>>): string {
  const escaped = (value: string) => value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function short({ ok, reasons }: Verdict): Answer {
  return { status: ok ? 200 : 503, body: ok ? 'ok\n' : `${reasons.join('\n')}\n` }
}

function full(health: Health, limits: ProbeLimits): Answer {
  const live = liveness(health, limits)
  const ready = readiness(health)
  const reasons = [...live.reasons, ...ready.reasons, ...remarks(health)]
  const body = { live: live.ok, ready: ready.ok, reasons, ...health }
  return { status: live.ok ? 200 : 503, type: JSON_TYPE, body: `${JSON.stringify(body)}\n` }
}

if (parentPort !== null) {
  const port = parentPort
  const server = new ProbeServer(workerData as ProbeThreadData, (message) => port.postMessage(message))
  port.on('message', (message: ToProbeThread) => server.hear(message))
  server.listen()
}
