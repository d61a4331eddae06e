import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { ConfigError, TidemillError } from './errors.ts'
import { type ProbeBoard, type ProbeLimits, TICK_MS } from './probe.ts'
import type { FromProbeThread, ProbeThreadData, ToProbeThread } from './probe-thread.ts'

export interface HttpOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly board: ProbeBoard
  readonly limits: ProbeLimits
  readonly metrics: { readonly contentType: string; text(): Promise<string> }
  /** What the stall of the event loop is labelled with. Default: nothing. */
  readonly metricLabels?: Readonly<Record<string, string>>
  /** How long the metrics may take, in ms; then the answer has the stall of the event loop only. Default 2,000. */
  readonly metricsTimeoutMs?: number
  /** Told how late each tick of the event loop came, in ms. */
  readonly loopDelay?: (delayMs: number) => void
  /** Told when the thread failed; it is started again a second later. */
  readonly failed?: (error: unknown) => void
}

/** The server of `/livez`, `/readyz`, `/startupz`, `/healthz` and `/metrics`. Keeps the process alive until it is closed. */
export interface Http {
  readonly port: number
  /** Bounded; never rejects. */
  close(): Promise<void>
}

const CLOSE_TIMEOUT_MS = 1_000
const RESTART_MS = 1_000

/** Opens the server, in a thread of its own. @throws ConfigError when the address can't be had */
export async function openHttp(options: HttpOptions): Promise<Http> {
  const server = new ThreadedHttp(options)
  try {
    await server.start(options.port)
  } catch (error) {
    await server.close()
    throw error
  }
  return server
}

class ThreadedHttp implements Http {
  port = 0
  readonly #options: HttpOptions
  readonly #ticker: NodeJS.Timeout
  #thread: Worker | undefined
  #restart: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: HttpOptions) {
    this.#options = options
    let due = performance.now() + TICK_MS
    options.board.tick()
    this.#ticker = setInterval(() => {
      const now = performance.now()
      options.board.tick()
      options.loopDelay?.(Math.max(0, now - due))
      due = now + TICK_MS
    }, TICK_MS).unref()
  }

  async start(port: number): Promise<void> {
    const { board, host, limits, metrics, metricLabels = {}, metricsTimeoutMs = 2_000 } = this.#options
    const data: ProbeThreadData = {
      buffer: board.buffer,
      host,
      port,
      limits: { eventLoopStallMs: limits.eventLoopStallMs, stuckLimit: limits.stuckLimit },
      contentType: metrics.contentType,
      metricLabels,
      metricsTimeoutMs,
    }
    const thread = new Worker(threadFile(), {
      workerData: data,
      // It needs no secret and little memory.
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
    })
    this.#thread = thread
    try {
      this.port = await this.#listening(thread)
    } catch (error) {
      await thread.terminate()
      throw error
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#ticker)
    clearTimeout(this.#restart)
    const thread = this.#thread
    if (thread === undefined) return
    const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()))
    this.#tell(thread, { kind: 'close' })
    const timer = setTimeout(() => void thread.terminate(), CLOSE_TIMEOUT_MS)
    await ended
    clearTimeout(timer)
  }

  #listening(thread: Worker): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    thread.on('message', (message: FromProbeThread) => {
      if (message.kind === 'listening') resolve(message.port)
      else if (message.kind === 'failed') reject(this.#addressFault(message))
      else void this.#scrape(thread)
    })
    thread.on('error', (error) => {
      this.#options.failed?.(error)
    })
    thread.on('exit', () => {
      this.#thread = undefined
      reject(new TidemillError('ILLEGAL_STATE', 'the thread of the probes ended before it listened'))
      this.#startAgain()
    })
    return promise
  }

  #addressFault({ code, message }: Extract<FromProbeThread, { kind: 'failed' }>): ConfigError {
    const { host, port } = this.#options
    return new ConfigError([
      `httpHost, httpPort: expected an address that is free, got ${host}:${port}: ${code} (${message})`,
    ])
  }

  #startAgain(): void {
    if (this.#closed || this.port === 0) return
    this.#restart = setTimeout(() => {
      this.start(this.port).catch((error) => this.#options.failed?.(error))
    }, RESTART_MS).unref()
  }

  async #scrape(thread: Worker): Promise<void> {
    try {
      this.#tell(thread, { kind: 'metrics', text: await this.#options.metrics.text() })
    } catch (error) {
      this.#options.failed?.(error)
      this.#tell(thread, { kind: 'metrics', text: undefined })
    }
  }

  #tell(thread: Worker, message: ToProbeThread): void {
    thread.postMessage(message)
  }
}

/** Beside this file, with this file's extension: `.ts` in the repository, `.js` in the package and in a bundle. */
function threadFile(): URL {
  return new URL(`./probe-thread${extname(import.meta.url)}`, import.meta.url)
}
