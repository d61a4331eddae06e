import { existsSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { wordsOf } from '../test/load/command-line.ts'
import type { LoadRequest, WorkerChoice } from '../test/load/load-request.ts'
import type { StrikeCounts } from '../test/load/strikes.ts'
import { type Arrival, parseTrace, TRACES, type TraceName } from '../test/load/trace.ts'
import { readText } from '../worker/config.ts'
import { messageOf, TidemillError } from '../worker/errors.ts'
import { didYouMean, suggest } from '../worker/suggest.ts'
import { type Call, textOf, wholeOf } from './command.ts'
import { payloadsOf } from './load-payloads.ts'
import { loadWorkerFile } from './worker-file.ts'

const JOBS = 1_000
const RATE = 100
const WORKERS = 3

/** A `tidemill load` as it was called, read and checked. @throws TidemillError `USAGE` or `DEFINITION` */
export async function requestOf(call: Call, signal: AbortSignal): Promise<LoadRequest> {
  const trace = traceOf(call)
  const jobs = wholeOf(call, 'jobs') ?? (typeof trace === 'string' ? JOBS : trace.length)
  const seed = wholeOf(call, 'seed') ?? 1
  const workers = wholeOf(call, 'workers') ?? WORKERS
  const poison = wholeOf(call, 'poison') ?? 0
  const strikes = {
    kill: wholeOf(call, 'kill') ?? 0,
    term: wholeOf(call, 'term') ?? 0,
    restart: wholeOf(call, 'restart-broker') ?? 0,
    cut: wholeOf(call, 'cut') ?? 0,
  }
  const broker = brokerOf(call, process.env)
  const faults = [
    ...(jobs < 1 ? ['--jobs: expected 1 or more, got 0'] : []),
    ...(workers < 1 ? ['--workers: expected 1 or more, got 0'] : []),
    ...(poison > jobs ? [`--poison: expected at most the ${jobs} jobs, got ${poison}`] : []),
    ...brokerFaults(call, broker, strikes),
    ...fileFaults(call),
  ]
  if (faults.length > 0) throw new TidemillError('USAGE', faults.join('\n'))
  const worker = await workerOf(call)
  return {
    broker,
    install: call.values['no-install'] !== true,
    worker,
    queue: textOf(call, 'queue'),
    trace,
    jobs,
    rate: rateOf(call),
    payloads: await payloadsOf(call, { worker, trace, jobs, seed }),
    keys: wholeOf(call, 'keys'),
    poison,
    workers,
    strikes,
    restartWith: textOf(call, 'restart-with'),
    seed,
    duplicatesLimit: wholeOf(call, 'duplicates-limit') ?? Number.POSITIVE_INFINITY,
    ledger: textOf(call, 'ledger'),
    env: process.env,
    out: process.stderr,
    signal,
  }
}

function traceOf(call: Call): TraceName | Arrival[] {
  const name = textOf(call, 'trace') ?? 'steady'
  const known = TRACES.find((trace) => trace === name)
  if (known !== undefined) return known
  if (!existsSync(name)) {
    const near = didYouMean(suggest(name, TRACES))
    throw new TidemillError(
      'USAGE',
      `--trace: expected ${TRACES.join(', ')} or a file, got ${JSON.stringify(name)}${near}`,
    )
  }
  if (textOf(call, 'rate') !== undefined) {
    throw new TidemillError('USAGE', '--rate: expected no rate beside a trace from a file, which has its own times')
  }
  return parseTrace(readFileSync(name, 'utf8'), name)
}

function rateOf(call: Call): number {
  const text = textOf(call, 'rate')
  const rate = Number(text ?? RATE)
  if (rate > 0 && rate <= 1_000_000) return rate
  throw new TidemillError('USAGE', `--rate: expected jobs a second, above 0, got ${JSON.stringify(text)}`)
}

/** The name of a broker or a URL; a URL of the environment goes before a broker that would have to be started. */
function brokerOf(call: Call, env: NodeJS.ProcessEnv): string {
  const named = textOf(call, 'broker')
  if (named !== undefined) return named
  const { TIDEMILL_BROKER_URL: url, TIDEMILL_BROKER_URL_FILE: path } = env
  if (url) return url
  if (!path) return 'rabbitmq'
  try {
    return readText(path).trim()
  } catch (error) {
    const got = `${JSON.stringify(path)}: ${messageOf(error)}`
    throw new TidemillError('USAGE', `TIDEMILL_BROKER_URL_FILE: expected a readable file, got ${got}`, { cause: error })
  }
}

function brokerFaults(call: Call, broker: string, { kill, restart, cut }: StrikeCounts): string[] {
  const faults: string[] = []
  const isMemory = /^memory(:|$)/.test(broker)
  if (isMemory) {
    const why = 'the memory broker, whose workers live in this process: they can be asked to end (--term), not killed'
    for (const [flag, count] of Object.entries({ kill, 'restart-broker': restart, cut })) {
      if (count > 0) faults.push(`--${flag}: expected a broker that other processes reach, got ${why}`)
    }
    if (textOf(call, 'worker') !== undefined) faults.push(`--worker: expected a broker that it can reach, got memory`)
  }
  const how = textOf(call, 'restart-with')
  const fromEnvironment = process.env['TIDEMILL_BROKER_URL'] ?? ''
  const url = broker.includes(':') ? broker : isOf(broker, fromEnvironment) ? fromEnvironment : ''
  const isGiven = url !== ''
  if (restart > 0 && isGiven && !isMemory && how === undefined) {
    const hint = "say how, as in --restart-with 'docker compose restart rabbitmq'"
    faults.push(`--restart-broker: expected a broker that tidemill started itself, got the URL of one; ${hint}`)
  }
  if (how !== undefined && !isGiven) {
    faults.push('--restart-with: expected the URL of the broker that it restarts, got a broker that tidemill starts')
  }
  if (cut > 0 && /^(amqps|kafkas):/i.test(url)) {
    faults.push("--cut: expected a URL without TLS, got one with; the proxy that cuts has not the broker's certificate")
  }
  if (cut > 0 && /^kafkas?:/i.test(url)) {
    faults.push(
      '--cut: expected a Kafka that tidemill starts itself, got the URL of one; its clients would go past the proxy',
    )
  }
  return faults
}

/** Whether a URL is one of the broker of that name: it is used in place of one that would have to be started. */
function isOf(name: string, url: string): boolean {
  return { rabbitmq: /^amqps?:/i, kafka: /^kafkas?:/i }[name]?.test(url) ?? false
}

function fileFaults(call: Call): string[] {
  const report = textOf(call, 'report')
  const faults: string[] = []
  if (report !== undefined && !existsSync(dirname(report))) {
    faults.push(`--report: expected a file in a folder that is there, got ${report}`)
  }
  if (call.positionals.length > 0 && textOf(call, 'worker') !== undefined) {
    faults.push(`expected a worker file or --worker, got both`)
  }
  return faults
}

async function workerOf(call: Call): Promise<WorkerChoice> {
  const [path] = call.positionals
  if (path !== undefined) return { kind: 'file', path, definition: await loadWorkerFile(path) }
  const command = textOf(call, 'worker')
  return command === undefined ? { kind: 'examples' } : { kind: 'command', words: wordsOf(command) }
}
