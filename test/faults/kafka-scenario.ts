import type { TestContext } from 'node:test'
import type { BrokerSettings } from '../../worker/contracts.ts'
import type { WorkerProcess } from '../helpers/worker-process.ts'
import type { Entry, Ledger } from '../load/ledger.ts'
import { KafkaStage } from './kafka-stage.ts'
import { Scenario, type ScenarioOptions } from './scenario.ts'

/** `commitCount` of the workers: so many jobs may run again for each worker that dies or loses its session. */
export const BOUND = 40
/** The shortest that a broker takes as it comes. */
export const SESSION_TIMEOUT_MS = 6_000
const KEYS = 40

/** A scenario of jobs of which most have keys, and of workers that are missed soon. */
export async function openOnKafka(
  t: TestContext,
  kafka: { readonly url: string },
  { env, trickle, ...options }: ScenarioOptions & { readonly settings?: Partial<BrokerSettings> } = {},
): Promise<Scenario<KafkaStage>> {
  return Scenario.open(t, await KafkaStage.open(t, kafka, options.settings), {
    ...options,
    trickle: { key: (n) => (n % 5 === 0 ? undefined : `key-${(n * 7) % KEYS}`), ...trickle },
    env: {
      TIDEMILL_SESSION_TIMEOUT_MS: String(SESSION_TIMEOUT_MS),
      TIDEMILL_COMMIT_COUNT: String(BOUND),
      ...env,
    },
  })
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
