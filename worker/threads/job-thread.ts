// What runs in each thread for CPU-bound handlers. Piscina loads it and calls its two functions.
import { BroadcastChannel, parentPort, workerData } from 'node:worker_threads'
import { messageOf, TidemillError } from '../errors.ts'
import {
  type Abort,
  type LoadTask,
  type PackedError,
  packError,
  type ThreadData,
  type ThreadTask,
  unpackError,
} from './crossing.ts'
import type { ThreadHandler } from './handler.ts'
import { LineGate, threadLog } from './lines.ts'

/** A user's module, with the one value that its `setup()` gave this thread. */
interface JobModule {
  readonly handler: ThreadHandler
  readonly setup: (() => unknown) | undefined
  resources: Promise<unknown> | undefined
}

const modules = new Map<string, Promise<JobModule>>()
const running = new Map<number, AbortController>()
// Piscina hands on the worker data that it was given.
const { channel, lines } = workerData as ThreadData
const gate = new LineGate(lines)
const aborts = new BroadcastChannel(channel)
aborts.unref()
aborts.onmessage = (event: unknown): void => {
  const { run, reason } = (event as { data: Abort }).data
  running.get(run)?.abort(unpackError(reason))
}

/** Runs one job. Resolves with its error as data: what Piscina would make of an error has no class and no code. */
export async function run(task: ThreadTask): Promise<PackedError | undefined> {
  const controller = new AbortController()
  running.set(task.run, controller)
  try {
    const module = await load(task.module)
    const { id, type, attempt, headers } = task.job
    const log = threadLog({ jobId: id, type, attempt }, gate, (line) => parentPort!.postMessage(line))
    const resources = await resourcesOf(module)
    // A clone has a prototype, the original has none.
    const job = { ...task.job, headers: Object.assign(Object.create(null), headers) }
    await module.handler(job, { signal: controller.signal, log, resources })
    return undefined
  } catch (error) {
    return packError(error)
  } finally {
    running.delete(task.run)
  }
}

/** Loads modules ahead of their first job. Resolves with the first one's error, if there is one. */
export async function check({ modules }: LoadTask): Promise<PackedError | undefined> {
  for (const { type, module } of modules) {
    try {
      await load(module)
    } catch (error) {
      const fault = `the job ${type} can't run in a thread: ${module}: ${messageOf(error)}`
      return packError(new TidemillError('DEFINITION', fault, { cause: error }))
    }
  }
  return undefined
}

function load(module: string): Promise<JobModule> {
  const known = modules.get(module)
  if (known !== undefined) return known
  const loading = import(module).then(jobModule)
  modules.set(module, loading)
  loading.catch(() => modules.delete(module))
  return loading
}

/** Of an ES module, or of what a compiler made of one in CommonJS. */
function jobModule(exported: Record<string, any>): JobModule {
  const spaces = [exported, exported['default'] ?? {}]
  const handler = spaces.flatMap((space) => [space['default'], space['handler']]).find(isFunction)
  if (handler === undefined) {
    const names = Object.keys(exported)
    throw new TypeError(`expected a function as default export or as 'handler', got ${names.join(', ') || 'no export'}`)
  }
  const setup = spaces.map((space) => space['setup']).find(isFunction)
  return { handler: handler as ThreadHandler, setup, resources: undefined }
}

function isFunction(value: unknown): value is () => unknown {
  return typeof value === 'function'
}

/** A `setup()` that failed is tried again by the next job. */
function resourcesOf(module: JobModule): Promise<unknown> {
  module.resources ??= Promise.resolve(module.setup?.()).catch((error) => {
    module.resources = undefined
    throw error
  })
  return module.resources
}
