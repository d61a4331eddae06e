import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { BrokerSettings } from '../../worker/contracts.ts'
import { proxiedKafka, type Undone } from '../helpers/kafka.ts'
import type { WorkerProcess } from '../helpers/worker-process.ts'
import type { Entry, Ledger } from '../load/ledger.ts'
import type { FaultProxy } from '../load/proxy.ts'
import { KafkaStage, type StageBroker } from './kafka-stage.ts'
import { Scenario, type ScenarioOptions } from './scenario.ts'
import { Wiretap } from './wiretap.ts'

/** `commitCount` of the workers: so many jobs may run again for each worker that dies or loses its session. */
export const BOUND = 40
/** The shortest that a broker takes as it comes. */
export const SESSION_TIMEOUT_MS = 6_000
const KEYS = 40

/** A Kafka of the test's own, or of a file's, that hears what workers and it say to each other. */
export interface TappedKafka extends StageBroker {
  /** The way of the workers. */
  readonly workerUrl: string
  readonly wiretap: Wiretap
  readonly proxy: FaultProxy
}

/** Stopped with `t.after`. */
export async function tappedKafka(t: Undone): Promise<TappedKafka> {
  const wiretap = new Wiretap()
  const { kafka, proxy, url } = await proxiedKafka(t, wiretap.listen)
  return { url: kafka.url, workerUrl: url, wiretap, proxy }
}

/** A scenario of jobs of which most have keys, and of workers that are missed soon. */
export async function openOnKafka(
  t: TestContext,
  kafka: StageBroker & { readonly workerUrl?: string },
  { env, trickle, ...options }: ScenarioOptions & { readonly settings?: Partial<BrokerSettings> } = {},
): Promise<Scenario<KafkaStage>> {
  const { workerUrl } = kafka
  return Scenario.open(t, await KafkaStage.open(t, kafka, options.settings), {
    ...(workerUrl !== undefined && { workerUrl }),
    ...options,
    trickle: { key: (n) => (n % 5 === 0 ? undefined : `key-${(n * 7) % KEYS}`), ...trickle },
    env: {
      TIDEMILL_SESSION_TIMEOUT_MS: String(SESSION_TIMEOUT_MS),
      TIDEMILL_COMMIT_COUNT: String(BOUND),
      ...env,
    },
  })
}

/** After a run in which no foreign commit was taken: tells what the wire saw, and sees to it that it saw enough to say so. */
export function assertEpochsSeen(t: TestContext, stage: KafkaStage, least: { generations: number; commits: number }) {
  const { generations, commits, refused, unanswered, foreign } = stage.epochs()
  const reasons = Object.entries(refused).map(([reason, count]) => `${count} ${reason}`)
  t.diagnostic(
    `on the wire: ${commits} commits in ${generations} generations, refused ${reasons.join(', ') || 'none'}, unanswered ${unanswered}; of these two, ${foreign} were foreign`,
  )
  assert.ok(generations >= least.generations, `void: the wire saw ${generations} generations`)
  assert.ok(commits >= least.commits, `void: the wire saw ${commits} commits`)
}

const SHARED_OUT = 'the partitions were shared out anew'

/** How often a worker has been given its partitions. */
export function sharedOut(worker: WorkerProcess): number {
  return worker.output.split(SHARED_OUT).length - 1
}

/**
 * The jobs that the others had in flight when they began no more because this worker came: those that were not done when the process
 * that ran them began its last job before the newcomer had its share. Jobs begun before the newcomer ran say nothing.
 */
export function interruptedBy(newcomer: WorkerProcess, { started, done }: Ledger): Entry[] {
  const [from, to] = [toldAt(newcomer, 'worker running'), toldAt(newcomer, SHARED_OUT)]
  const ends = new Map(done.map(({ id, pid, t }) => [`${pid} ${id}`, t]))
  const before = Map.groupBy(
    started.filter(({ t }) => t < to),
    ({ pid }) => pid,
  )
  return [...before.values()].flatMap((begun) => {
    const last = Math.max(...begun.map(({ t }) => t))
    return last < from
      ? []
      : begun.filter(({ pid, id }) => (ends.get(`${pid} ${id}`) ?? Number.POSITIVE_INFINITY) >= last)
  })
}

/** When a worker first said this, ms since the epoch. */
function toldAt(worker: WorkerProcess, message: string): number {
  const line = worker.output.split('\n').find((one) => one.includes(`"msg":"${message}"`))
  if (line === undefined) throw new Error(`expected a line that says "${message}", got\n${worker.output}`)
  return Date.parse(JSON.parse(line).time)
}
