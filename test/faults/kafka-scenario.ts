import type { TestContext } from 'node:test'
import type { BrokerSettings } from '../../worker/contracts.ts'
import type { WorkerProcess } from '../helpers/worker-process.ts'
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

/** How often a worker has been given its partitions. */
export function sharedOut(worker: WorkerProcess): number {
  return worker.output.split('the partitions were shared out anew').length - 1
}
