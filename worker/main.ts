import { readContainerLimits } from './cgroup.ts'
import { loadSettings, readText, type SettingName, secretsOf, type WorkerSettings } from './config.ts'
import type { Message, Observer, Outcome, WorkerEvent } from './contracts.ts'
import type { WorkerDefinition } from './define.ts'
import { toError } from './errors.ts'
import { type Http, openHttp } from './http.ts'
import { createLog, type Log, logObserver } from './log.ts'
import { logSizes } from './main-sizes.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { threadJobs } from './pool-jobs.ts'
import { ProbeBoard } from './probe.ts'
import { redactUrls } from './redact.ts'
import { drainBoundMs } from './settings-rules.ts'
import { listenForSignals, type Signals } from './signals.ts'
import { VERSION } from './version.ts'
import { createWorker, type DrainReport, type Worker } from './worker.ts'

export interface RunOptions {
  /** By the setting's name, as text. They go before the environment. */
  readonly flags?: Readonly<Partial<Record<SettingName, string>>>
  /** Signals that are listened for already. */
  readonly signals?: Signals
  /** See `WorkerOptions.oneJobWithinMs`. */
  readonly oneJobWithinMs?: number | undefined
}

/** What goes before the environment when there is one job. */
const ONE_JOB = { concurrency: '1', readAhead: '0' } as const

/** What the process says of its end: 0 drained, 1 fatal, 2 a faulty configuration, 75 jobs abandoned at the deadline. */
const EXIT = { drained: 0, fatal: 1, configuration: 2, abandoned: 75 } as const

/**
 * Runs a worker as the process's one purpose: environment, signals, log, metrics, probes. Resolves with the exit code when it has
 * stopped; the caller ends the process, because a handler that ignores its abort would keep it alive.
 * @throws ConfigError naming every faulty setting, before anything is begun
 */
export async function runWorker(definition: WorkerDefinition, options: RunOptions = {}): Promise<number> {
  const { signals = listenForSignals(), oneJobWithinMs } = options
  const flags = { ...options.flags, ...(oneJobWithinMs !== undefined && ONE_JOB) }
  const container = readContainerLimits()
  const loaded = loadSettings({ env: process.env, definition, flags, readFile: readText, container })
  const { settings } = loaded
  const log = createLog({ level: settings.logLevel, secrets: secretsOf(settings), fields: { queue: settings.queue } })
  const metrics = createMetrics({
    types: definition.jobs.map(({ type }) => type),
    limit: settings.concurrency,
    queue: settings.queue,
    drainTimeoutMs: settings.drainTimeoutMs,
    processMetrics: true,
    nodeVersion: process.version,
  })
  const board = new ProbeBoard()
  const observer = new Observers([metrics, board, logObserver(log)])
  const one = oneJobWithinMs === undefined ? {} : { oneJobWithinMs }
  const worker = createWorker(definition, { broker: settings.brokerUrl, settings, observer, log, ...one })
  metrics.watchOldest(() => worker.oldest)
  const run = new Run(worker, log, metrics)
  const release = run.listen(signals)
  log.info(
    { version: VERSION, node: process.version, pid: process.pid, broker: redactUrls(settings.brokerUrl) },
    'starting',
  )
  logSizes(log, loaded, container, threadJobs(definition).length > 0)
  const http = await run.open(
    openHttp({
      host: settings.httpHost,
      port: settings.httpPort,
      board,
      limits: settings,
      metrics,
      metricLabels: { queue: settings.queue },
      loopDelay: (delayMs) => metrics.loopDelay(delayMs),
      failed: (error) => log.error({ err: error }, 'the probes failed'),
    }),
  )
  const code = await run.end()
  await http?.close()
  release()
  const { hasEndlessThread } = await worker.finished
  if (hasEndlessThread) {
    log.error({ code }, 'a thread does not end, because it is in native code: killing the process')
    process.kill(process.pid, 'SIGKILL')
  }
  return code
}

/** One worker and the process around it. */
class Run {
  readonly #worker: Worker
  readonly #log: Log
  readonly #metrics: Metrics
  #deadline: NodeJS.Timeout | undefined
  #error: Error | undefined

  constructor(worker: Worker, log: Log, metrics: Metrics) {
    this.#worker = worker
    this.#log = log
    this.#metrics = metrics
  }

  /** Takes signals and stray errors; the returned function gives them back. */
  listen(signals: Signals): () => void {
    signals.handle((signal, isFirst) => {
      this.#log.info({ signal }, isFirst ? 'asked to end' : 'asked to end again: aborting')
      if (isFirst) this.#drain()
      else this.#worker.abort()
    })
    const rejected = (reason: unknown): void => {
      this.#metrics.unhandledRejection()
      this.#log.error({ err: toError(reason) }, 'a promise was rejected and nobody waited for it; the worker goes on')
    }
    const thrown = (error: unknown): void => {
      const again = this.#error !== undefined
      this.#error ??= toError(error)
      this.#log.error({ err: toError(error) }, 'an error was thrown where nobody could catch it; draining, then ending')
      if (again) this.#worker.abort()
      else this.#drain()
    }
    process.on('unhandledRejection', rejected)
    process.on('uncaughtException', thrown)
    return () => {
      clearTimeout(this.#deadline)
      signals.stop()
      process.off('unhandledRejection', rejected)
      process.off('uncaughtException', thrown)
    }
  }

  /** Starts the worker while the probes open; without probes it is drained again. */
  async open(opening: Promise<Http>): Promise<Http | undefined> {
    this.#worker.start().catch(() => {
      // `finished` reports it.
    })
    try {
      const http = await opening
      this.#log.info({ port: http.port }, 'serving probes and metrics')
      return http
    } catch (error) {
      this.#error = toError(error)
      this.#log.error({ err: this.#error }, "can't serve probes and metrics")
      this.#drain()
      return undefined
    }
  }

  async end(): Promise<number> {
    const report = await this.#worker.finished
    const error = this.#error ?? report.error
    const code = exitCode(report, error)
    const fields = { code, abandoned: report.abandoned, elapsedMs: Math.round(report.elapsedMs) }
    if (error === undefined) this.#log.info(fields, 'ending')
    else this.#log.error({ ...fields, err: error }, 'ending, because of an error')
    return code
  }

  #drain(): void {
    this.#deadline ??= setTimeout(this.#expire, hardDeadlineMs(this.#worker.settings))
    void this.#worker.drain()
  }

  /** Ending by itself leaves a last line and a truthful exit code; SIGKILL would leave neither. */
  #expire = (): void => {
    const { inFlight, state } = this.#worker
    this.#log.error({ inFlight, state }, 'the drain did not end in time: ending without it')
    process.exit(inFlight > 0 ? EXIT.abandoned : EXIT.fatal)
  }
}

function exitCode(report: DrainReport, error: Error | undefined): number {
  if (error !== undefined) {
    const isTold = 'code' in error && (error.code === 'CONFIG' || error.code === 'DEFINITION')
    return isTold ? EXIT.configuration : EXIT.fatal
  }
  return report.abandoned > 0 ? EXIT.abandoned : EXIT.drained
}

/** After the longest drain by its settings, and before the platform's SIGKILL. */
function hardDeadlineMs(settings: WorkerSettings): number {
  const spareMs = settings.terminationGraceMs - drainBoundMs(settings)
  return settings.terminationGraceMs - Math.min(1_000, spareMs / 2)
}

class Observers implements Observer {
  readonly #observers: readonly Observer[]

  constructor(observers: readonly Observer[]) {
    this.#observers = observers
  }

  started(message: Message, type: string, waitMs: number | undefined): void {
    for (const observer of this.#observers) observer.started(message, type, waitMs)
  }

  settled(message: Message, type: string, outcome: Outcome, runMs: number, written: boolean): void {
    for (const observer of this.#observers) observer.settled(message, type, outcome, runMs, written)
  }

  event(event: WorkerEvent): void {
    for (const observer of this.#observers) observer.event(event)
  }
}
