import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { extname } from 'node:path'
import { BroadcastChannel, type Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { Logger, WorkerEvent } from '../contracts.ts'
import type { Context, Job, JobHandler } from '../define.ts'
import { InvalidPayloadError, messageOf, ShutdownError, TidemillError } from '../errors.ts'
import {
  type Abort,
  type Line,
  type LoadTask,
  type PackedError,
  packError,
  type ThreadData,
  type ThreadTask,
  unpackError,
} from './crossing.ts'
import { LineGate } from './lines.ts'

export interface ThreadsOptions {
  /** How many threads there may be. */
  readonly threads: number
  /** The old generation of each thread's heap, in MiB. Default: Node's. */
  readonly heapMb: number | undefined
  /** How long a job may go on after its abort, in ms; then its thread is ended. */
  readonly graceMs: number
  readonly log: Logger
  readonly observe: (event: WorkerEvent) => void
}

const LOAD_TIMEOUT_MS = 30_000
/**
 * Of each thread's heap. At its limit V8 gives a thread 16 MiB more to end in, and copies the live part of the young generation
 * into them. With Node's own 64 MiB per half a copy may not fit: then V8 aborts the whole process (seen with
 * `--max-old-space-size` set, which goes before a thread's own limits; never with 48 MiB or less, 16 a half).
 */
const YOUNG_GENERATION_MB = 32

/** Runs handlers that are modules, each job in a thread of its own while it lasts. */
export class Threads {
  readonly #options: ThreadsOptions
  readonly #piscina: Piscina
  readonly #gate = new LineGate()
  readonly #channel = `tidemill-threads-${randomUUID()}`
  /** Told to end, and not yet at an end. */
  readonly #ending = new Set<Worker>()
  #aborts: BroadcastChannel | undefined
  #runs = 0
  #closed = false

  constructor(options: ThreadsOptions) {
    this.#options = options
    const { threads, heapMb } = options
    const workerData: ThreadData = { channel: this.#channel, lines: this.#gate.buffer }
    this.#piscina = new Piscina({
      filename: threadFile(),
      minThreads: 1,
      maxThreads: threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      // Between two jobs a thread would else be asleep altogether, and with it the connections that its setup() opened.
      atomics: 'disabled',
      workerData,
      resourceLimits: {
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
        ...(heapMb !== undefined && { maxOldGenerationSizeMb: heapMb }),
      },
    })
    this.#piscina.on('message', (line: Line) => this.#write(line))
    // Of threads that had no job; nobody else would hear of it.
    this.#piscina.on('error', (error) => this.#replaced(error))
  }

  /** Loads modules in a thread, so that one that can't run stops the worker and not its jobs. @throws TidemillError `DEFINITION` */
  async check(jobs: readonly { readonly type: string; readonly handler: URL }[]): Promise<void> {
    const modules = jobs.map(({ type, handler }) => ({ type, module: built(handler) }))
    const fault = await this.#piscina
      .run({ modules } satisfies LoadTask, { name: 'check', signal: AbortSignal.timeout(LOAD_TIMEOUT_MS) })
      .catch((error: Error) => {
        const reason = error.name === 'AbortError' ? `they took longer than ${LOAD_TIMEOUT_MS} ms` : messageOf(error)
        const names = modules.map(({ module }) => module).join(', ')
        throw new TidemillError('DEFINITION', `can't load ${names} in a thread: ${reason}`, { cause: error })
      })
    if (fault !== undefined) throw unpackError(fault as PackedError)
  }

  /** The handler of a job whose work is done by a module. */
  handlerOf(handler: URL): JobHandler<any, any> {
    const module = built(handler)
    return (job, context) => this.#run(module, job, context)
  }

  /** Ends every thread; resolves when they have ended, which those in native code may never. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true
    this.#aborts?.close()
    await Promise.all([this.#allEnd([...this.#ending]), this.#piscina.destroy()])
  }

  async #run(module: string, job: Job<unknown>, { signal }: Context): Promise<void> {
    signal.throwIfAborted()
    const run = ++this.#runs
    const end = new AbortController()
    let grace: NodeJS.Timeout | undefined
    let ended: Promise<void> | undefined
    const abort = (): void => {
      this.#ask({ run, reason: packError(signal.reason) })
      grace = setTimeout(() => {
        ended = this.#end(end)
      }, this.#options.graceMs)
    }
    signal.addEventListener('abort', abort, { once: true })
    try {
      const task: ThreadTask = { run, module, job: plain(job) }
      const failure: PackedError | undefined = await this.#piscina
        .run(task, { name: 'run', signal: end.signal })
        .catch(async (error) => {
          if (ended === undefined) throw this.#died(error)
          // In native code a thread does not end: its handler still runs, and must count as one that ignores its abort.
          await ended
          throw signal.reason
        })
      if (failure !== undefined) throw unpackError(failure)
    } finally {
      clearTimeout(grace)
      signal.removeEventListener('abort', abort)
    }
  }

  /** Tells the one thread, through a channel to all of them: aborts are rare. One that is busy does not hear it. */
  #ask(abort: Abort): void {
    this.#aborts ??= new BroadcastChannel(this.#channel)
    this.#aborts.unref()
    this.#aborts.postMessage(abort)
  }

  /** Has Piscina end the thread of one run and start another. Resolves when it has ended. */
  async #end(run: AbortController): Promise<void> {
    const before = this.#piscina.threads
    run.abort()
    this.#options.observe({ name: 'thread-replaced', cause: 'aborted' })
    const after = this.#piscina.threads
    await this.#allEnd(before.filter((thread) => !after.includes(thread)))
  }

  async #allEnd(threads: readonly Worker[]): Promise<void> {
    await Promise.all(
      threads.map(async (thread) => {
        this.#ending.add(thread)
        if (thread.threadId !== -1) await new Promise((resolve) => thread.once('exit', resolve))
        this.#ending.delete(thread)
      }),
    )
  }

  #died(error: Error): Error {
    if (error.name === 'DataCloneError') {
      return new InvalidPayloadError(`the payload can't be sent to a thread: ${messageOf(error)}`, { cause: error })
    }
    if (this.#closed) return new ShutdownError('the threads were ended')
    this.#replaced(error)
    return new Error(`the thread of the job ended before the job: ${messageOf(error)}`, { cause: error })
  }

  #replaced(error: unknown): void {
    if (!this.#closed) this.#options.observe({ name: 'thread-replaced', cause: 'died', error })
  }

  #write({ level, fields, message }: Line): void {
    const { log } = this.#options
    const dropped = this.#gate.leave()
    log[level](JSON.parse(fields), message)
    if (dropped > 0)
      log.warn({ dropped }, 'threads logged faster than their lines could be written: lines were dropped')
  }
}

/** A view computes what is read of it; a clone has what it has. */
function plain({ id, idDerived, type, payload, attempt, key, headers, enqueuedAt }: Job<unknown>): Job<unknown> {
  return { id, idDerived, type, payload, attempt, key, headers, enqueuedAt }
}

const BUILT: Readonly<Record<string, string>> = { '.ts': '.js', '.mts': '.mjs', '.cts': '.cjs' }

/** The module's URL; where a build has left only JavaScript, that of what it made of the module. */
function built(module: URL): string {
  const end = extname(module.pathname)
  const made = BUILT[end]
  if (made === undefined || existsSync(module)) return module.href
  const url = new URL(module)
  url.pathname = `${url.pathname.slice(0, -end.length)}${made}`
  return existsSync(url) ? url.href : module.href
}

/** Beside this file, with this file's extension: `.ts` in the repository, `.js` in the package and in a bundle. */
function threadFile(): string {
  return new URL(`./job-thread${extname(import.meta.url)}`, import.meta.url).href
}
