import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startBroker, startKafka } from '../../deploy/local/broker.ts'
import { run } from '../../deploy/local/command.ts'
import type { LocalBroker, LocalKafka } from '../../deploy/local/contracts.ts'
import { loadSettings, readText, type WorkerSettings } from '../../worker/config.ts'
import { validate } from '../../worker/decode.ts'
import type { JobDefinition, WorkerDefinition } from '../../worker/define.ts'
import { messageOf, TidemillError } from '../../worker/errors.ts'
import { generators } from '../../worker/handlers/generator.ts'
import { Crew } from './crew.ts'
import { runLoad } from './load.ts'
import { hirerOf } from './load-hire.ts'
import { loadOrders } from './load-jobs.ts'
import type { LoadReport } from './load-report.ts'
import type { LoadRequest, PayloadChoice } from './load-request.ts'
import { nameOf } from './local-name.ts'
import { type PlannedJob, planOf } from './plan.ts'
import { FaultProxy } from './proxy.ts'
import { Stage } from './stage.ts'
import { arrivalsOf } from './trace.ts'

/** So many that jobs seldom wait for one of their own key, and each has a number of others to keep its place among. */
const KEYS = 200
const RESTART_TIMEOUT_MS = 300_000

/**
 * Gets a broker, sets up a queue, runs the load, and takes down all that it made; the ledger stays.
 * Rejects with `USAGE`, `NO_BROKER` or `TOPOLOGY_CONFLICT` before anything is begun, later with what went wrong.
 */
export async function executeLoad(request: LoadRequest): Promise<LoadReport> {
  const { out, broker, install, env, strikes } = request
  const ledger = folderFor(request.ledger)
  const work = mkdtempSync(join(tmpdir(), 'tidemill-load-work-'))
  const log = (line: string) => out.write(`${line}\n`)
  let local: LocalBroker | undefined
  try {
    // A client of Kafka would leave a proxy with its second connection, but for a listener that is made for one.
    const isProxied = strikes.cut > 0 && broker === 'kafka'
    local = isProxied
      ? await startKafka({ install, log, env, proxied: true })
      : await startBroker({ broker, install, log, env })
    return await onBroker(request, local, ledger, work)
  } finally {
    await local?.stop()
    rmSync(work, { recursive: true, force: true })
    // A load that ended before it began leaves nothing.
    if (request.ledger === undefined && readdirSync(ledger).length === 0) rmSync(ledger, { recursive: true })
  }
}

async function onBroker(request: LoadRequest, local: LocalBroker, ledger: string, work: string): Promise<LoadReport> {
  const { strikes, seed, workers, duplicatesLimit, out, signal } = request
  const tag = `load-${randomBytes(3).toString('hex')}`
  const definition = definitionOf(request, work)
  const settings = settingsOf(request, local, definition, tag)
  const payloads = request.payloads ?? (await exampleOrders(request, work))
  const stage = await Stage.open(settings, strikes.cut > 0 ? await proxyOf(local) : undefined)
  try {
    const job = jobOf(payloads.type, definition)
    const plan = jobsOf(request, payloads, stage.broker.features.ordersByKey)
    await expectValid(job, plan)
    const crew = new Crew(work)
    try {
      return await runLoad({
        stage,
        run: tag,
        plan,
        job,
        hire: hirerOf({ request, stage, crew, definition, ledger, work }),
        workers,
        strikes,
        restart: () => restart(request.restartWith, local),
        seed,
        duplicatesLimit,
        ledger,
        title: `tidemill load on ${nameOf(local)}`,
        out,
        signal,
      })
    } finally {
      await crew.dismiss()
    }
  } finally {
    await stage.close()
  }
}

/** @throws TidemillError `USAGE` where the folder holds something: two runs in one ledger could not be told apart */
function folderFor(wanted: string | undefined): string {
  if (wanted === undefined) return mkdtempSync(join(tmpdir(), 'tidemill-load-'))
  const folder = resolve(wanted)
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new TidemillError('USAGE', `--ledger: expected a folder that is empty or not there, got ${wanted}`)
  }
  return folder
}

function definitionOf({ worker }: LoadRequest, work: string): WorkerDefinition | undefined {
  if (worker.kind === 'examples') return loadOrders(work)
  return worker.kind === 'file' ? worker.definition : undefined
}

function settingsOf(
  { env, queue }: LoadRequest,
  local: LocalBroker,
  definition: WorkerDefinition | undefined,
  tag: string,
): WorkerSettings {
  const { TIDEMILL_BROKER_URL_FILE: _, ...rest } = env
  const flags = { brokerUrl: local.protocol === 'memory' ? `memory://${tag}` : local.url, queue: queue ?? tag }
  return loadSettings({ env: rest, definition, flags, readFile: readText }).settings
}

/** The job whose schema payloads are checked against, where the worker's file is known. @throws TidemillError `USAGE` */
function jobOf(type: string, definition: WorkerDefinition | undefined): JobDefinition<any, any, any> {
  if (definition === undefined) return { type, handler() {} }
  const job = definition.jobs.find((one) => one.type === type)
  if (job !== undefined) return job
  const types = definition.jobs.map((one) => one.type).join(', ')
  throw new TidemillError('USAGE', `--type: expected one that the worker has (${types}), got ${type}`)
}

async function exampleOrders({ jobs, seed, trace }: LoadRequest, root: string): Promise<PayloadChoice> {
  const count = Math.min(jobs, typeof trace === 'string' ? jobs : trace.length)
  const orders: unknown[] = []
  for await (const { payload } of generators.orders.generate({ count, seed, root })) orders.push(payload)
  return { type: generators.orders.job.type, of: (index) => orders[index] }
}

function jobsOf({ trace, jobs, rate, seed, poison, keys }: LoadRequest, payloads: PayloadChoice, ordersByKey: boolean) {
  const arrivals = typeof trace === 'string' ? arrivalsOf(trace, { jobs, rate, seed }) : trace.slice(0, jobs)
  return planOf({
    arrivals,
    payloadOf: (index) => payloads.of(index),
    keys: keys ?? (ordersByKey ? KEYS : 0),
    poison,
    seed,
  })
}

async function expectValid({ schema }: JobDefinition<any, any, any>, plan: readonly PlannedJob[]): Promise<void> {
  if (schema === undefined) return
  for (const [index, { payload, isPoison }] of plan.entries()) {
    if (isPoison) continue
    try {
      await validate(schema, payload)
    } catch (error) {
      const which = `the payload of job ${index + 1} of ${plan.length}`
      throw new TidemillError('USAGE', `${which} does not fit the worker's schema: ${messageOf(error)}`, {
        cause: error,
      })
    }
  }
}

function proxyOf(local: LocalBroker): Promise<FaultProxy> {
  const listener = (local as Partial<LocalKafka>).proxied
  if (listener === undefined) return FaultProxy.start(local.url)
  return FaultProxy.start(`kafka://127.0.0.1:${listener.port}`, listener.advertisedPort)
}

async function restart(command: string | undefined, local: LocalBroker): Promise<void> {
  if (command === undefined) return local.restart()
  const { ok, fault } = await run('/bin/sh', ['-c', command], { timeoutMs: RESTART_TIMEOUT_MS })
  if (!ok) throw new TidemillError('NO_BROKER', `--restart-with: ${fault}`)
}
