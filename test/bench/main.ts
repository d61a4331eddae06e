// `npm run bench`: see --help.
import { rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { readCall } from '../../.ci/script.ts'
import { printJson } from '../../bin/setup.ts'
import { startBroker } from '../../deploy/local/broker.ts'
import { messageOf } from '../../worker/errors.ts'
import { bundlePrograms } from './bundle.ts'
import { type DuelResult, duel, type Length } from './duel.ts'
import { BOUTS } from './kafka/bouts.ts'
import { BenchTopic } from './kafka/topic.ts'
import { type BoutResult, tournament } from './kafka/tournament.ts'
import { sharesOf } from './profile.ts'
import { kafkaLoads, type Profiled, type ProfileLength, rabbitmqLoads, writeProfile } from './profiled.ts'
import { boutTable, duelTable, idleTable, startTable, table } from './report.ts'
import { BENCH, requestOf } from './request.ts'
import { SCENARIOS } from './scenarios.ts'
import { idleRssMb, measureStart, type StartResult } from './start.ts'

const FULL: Length = { rounds: 5, jobs: 60_000, warmUp: 20_000 }
const QUICK: Length = { rounds: 2, jobs: 20_000, warmUp: 10_000 }
const PROFILE: ProfileLength = { jobs: 150_000, warmUp: FULL.warmUp }
/** A Kafka hands out so many more jobs in the same time. */
const KAFKA_SHARE = 5
const START_SAMPLES = { full: 20, quick: 5 }

const request = readCall(BENCH, requestOf)
const { only } = request
const root = dirname(dirname(import.meta.dirname))
const say = (line: string) => void process.stderr.write(`${line}\n`)
const usual = request.isQuick ? QUICK : FULL
const length: Length = {
  ...usual,
  rounds: request.rounds ?? usual.rounds,
  jobs: request.jobs ?? usual.jobs,
}
const scenarios = SCENARIOS.filter(({ name }) => name.includes(only))

process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))
try {
  const broker = await startBroker({ broker: request.broker, install: request.install, log: say })
  try {
    const isKafka = broker.protocol === 'kafka'
    if (request.isProfile) await profile(broker.url, isKafka ? kafkaLoads(ofKafka(PROFILE)) : rabbitmqLoads(PROFILE))
    else if (isKafka) await benchKafka(broker.url, broker.version)
    else await bench(broker.url, broker.version)
  } finally {
    await broker.stop()
  }
} catch (error) {
  say(`the benchmark failed: ${messageOf(error)}`)
  if (request.isJson) printJson({ ok: false, error: messageOf(error) })
  process.exitCode = 1
}

async function bench(url: string, version: string): Promise<void> {
  const duels: DuelResult[] = []
  let start: StartResult | undefined
  const folder = await bundlePrograms()
  // On the exit, so that a signal leaves nothing behind either.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const scenario of scenarios) duels.push(await duel(folder, url, scenario, length, say))
  if ('start'.includes(only)) {
    start = await measureStart(folder, url, request.isQuick ? START_SAMPLES.quick : START_SAMPLES.full, say)
  }
  if (duels.length > 0) say(`\n${duelTable(duels)}`)
  if (start) say(`\n${startTable(start)}`)
  if (request.isJson)
    printJson({ ok: true, node: process.version, rabbitmq: version, cores: cpus().length, length, duels, start })
}

async function benchKafka(url: string, version: string): Promise<void> {
  const folder = await bundlePrograms()
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const kafkaLength = ofKafka({ ...usual, rounds: length.rounds })
  const bouts: BoutResult[] = []
  for (const bout of BOUTS.filter(({ name }) => name.includes(only))) {
    bouts.push(await tournament(folder, url, bout, kafkaLength, say))
  }
  const idle = 'idle'.includes(only) ? await idleOnKafka(folder, url) : undefined
  if (bouts.length > 0) say(`\n${boutTable(bouts)}`)
  if (idle) say(`\n${idleTable(idle)}`)
  if (request.isJson)
    printJson({
      ok: true,
      node: process.version,
      kafka: version,
      cores: cpus().length,
      length: kafkaLength,
      bouts,
      idle,
    })
}

async function idleOnKafka(folder: string, url: string) {
  const topic = await BenchTopic.open(url, 0)
  try {
    const task = { url, queue: topic.name }
    return {
      worker: await idleRssMb(folder, 'first-ack', task),
      command: await idleRssMb(folder, 'idle-command', task),
    }
  } finally {
    await topic.remove()
  }
}

/** Writes a CPU profile of tidemill's consumer under each load, and shows where its own time went. */
async function profile(url: string, loads: readonly Profiled[]): Promise<void> {
  const profiles: { scenario: string; file: string; shares: ReturnType<typeof sharesOf> }[] = []
  for (const one of loads.filter(({ name }) => name.includes(only))) {
    const load = { ...one.load, jobs: request.jobs ?? one.load.jobs }
    const file = await writeProfile(url, { ...one, load }, join(root, '.tidemill', 'profiles'))
    const shares = sharesOf(file, root).slice(0, 40)
    profiles.push({ scenario: one.name, file, shares })
    say(`\n${table([[`own time: ${one.name}`, '%'], ...shares.map(({ at, percent }) => [at, percent.toFixed(1)])])}`)
    say(`\nfor a flame graph, open ${file} in a browser's developer tools`)
  }
  if (request.isJson) printJson({ ok: true, profiles })
}

/** The same time on Kafka. A number of jobs that was asked for stays. */
function ofKafka<L extends ProfileLength>(length: L): L {
  return {
    ...length,
    jobs: request.jobs ?? length.jobs * KAFKA_SHARE,
    warmUp: length.warmUp * KAFKA_SHARE,
  }
}
