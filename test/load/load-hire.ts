import type { WorkerDefinition } from '../../worker/define.ts'
import { type Crew, ownFile, workCommand, workerEnvironment } from './crew.ts'
import { InnerWorker } from './inner-worker.ts'
import type { LoadRequest } from './load-request.ts'
import type { LoadWorker } from './load-worker.ts'
import type { Stage } from './stage.ts'
import type { LedgerTail } from './tail.ts'

export interface HireOptions {
  readonly request: Pick<LoadRequest, 'worker' | 'env'>
  readonly stage: Stage
  readonly crew: Crew
  /** Undefined: a command, of which nothing is known. */
  readonly definition: WorkerDefinition | undefined
  /** The folder of the ledger. */
  readonly ledger: string
  /** A folder of the run's own. */
  readonly work: string
}

/** A worker that is killed keeps its partitions of Kafka for so long: the default would be most of a short run. */
const SESSION_MS = '10000'

/** What starts the workers of a load, one by one. */
export function hirerOf(options: HireOptions): (name: string, tail: LedgerTail) => LoadWorker {
  const { request, stage, crew, definition, ledger } = options
  const { brokerUrl: broker, queue } = stage.settings
  let hired = 0
  return (name, tail) => {
    hired++
    if (stage.broker.name === 'memory') {
      return new InnerWorker({ name, pid: hired, definition: definition!, broker, queue, ledger, tail })
    }
    return crew.hire({ name, command: commandOf(request.worker), env: environmentOf(options), tail })
  }
}

function commandOf(worker: LoadRequest['worker']): readonly [string, ...string[]] {
  if (worker.kind === 'command') return worker.words
  return workCommand(worker.kind === 'file' ? worker.path : ownFile('load-orders'))
}

/** This process's own environment, and what a worker of this run has to know. */
function environmentOf({ stage, ledger, work, request }: HireOptions): NodeJS.ProcessEnv {
  const { TIDEMILL_BROKER_URL_FILE: _, ...inherited } = request.env
  const isExample = request.worker.kind === 'examples'
  return {
    ...(isExample && { TIDEMILL_SESSION_TIMEOUT_MS: SESSION_MS }),
    ...inherited,
    ...workerEnvironment(stage.workerUrl, stage.settings.queue, ledger),
    EXAMPLES_ROOT: isExample ? work : (inherited['EXAMPLES_ROOT'] ?? work),
  }
}
