import { TidemillError } from '../../worker/errors.ts'
import type { LocalBroker, NoWay, WayOptions } from './contracts.ts'
import { startDebian } from './debian.ts'
import { startDocker } from './docker.ts'
import { useGiven, useMemory } from './given.ts'

/** How to get a broker on this machine. */
export interface StartBrokerOptions {
  /** `rabbitmq` (default), `memory`, or the URL of one that runs already. */
  readonly broker?: string
  /** Whether rabbitmq-server may be installed with apt-get, as root. Default: true. */
  readonly install?: boolean
  /** Told, line by line, what happens. Default: nobody. */
  readonly log?: (line: string) => void
  /** A broker that may be broken: the one that `TIDEMILL_BROKER_URL` names is passed over. Default: false. */
  readonly private?: boolean
  /** Default: this process's environment. Read: `TIDEMILL_BROKER_URL`, `TIDEMILL_MANAGEMENT_URL`, `TIDEMILL_RABBITMQ_IMAGE`, `PATH`. */
  readonly env?: NodeJS.ProcessEnv
}

/**
 * A RabbitMQ to work with: the one given by its URL (as the option, or as `TIDEMILL_BROKER_URL`), else one in Docker, else the
 * machine's own rabbitmq-server as a private node, installed with apt-get where it is missing and that is possible.
 * It ends with this process, however that ends. Rejects with `NO_BROKER`, one error that says why each way was closed.
 */
export async function startBroker(options: StartBrokerOptions = {}): Promise<LocalBroker> {
  const { broker = 'rabbitmq', install = true, log = () => undefined, env = process.env } = options
  if (broker === 'memory' || broker === 'memory:') return useMemory()
  if (broker.includes('://')) return useGiven(broker, env.TIDEMILL_MANAGEMENT_URL)
  if (broker !== 'rabbitmq') {
    throw new TidemillError('USAGE', `--broker: expected rabbitmq, memory or the URL of a broker, got ${broker}`)
  }
  const url = options.private === true ? undefined : env.TIDEMILL_BROKER_URL
  if (url === 'memory:') return useMemory()
  if (url) return useGiven(url, env.TIDEMILL_MANAGEMENT_URL)

  const way: WayOptions = { install, log, env }
  const docker = await startDocker(way)
  if (isBroker(docker)) return docker
  log(`no broker in Docker (${docker.refused}); trying this machine's own rabbitmq-server`)
  const debian = await startDebian(way)
  if (isBroker(debian)) return debian
  throw noBroker(docker.refused, debian.refused)
}

/** The one error that says why each way was closed, and what would open it. */
export function noBroker(docker: string, debian: string): TidemillError {
  return new TidemillError(
    'NO_BROKER',
    [
      'there is no RabbitMQ to work with. Any of these would do:',
      '  - the URL of one that runs: TIDEMILL_BROKER_URL=amqp://user:password@host:5672',
      `  - a Docker engine that answers; here: ${docker}`,
      `  - rabbitmq-server on this machine; here: ${debian}`,
      'Without any broker: --broker memory',
    ].join('\n'),
  )
}

function isBroker(found: LocalBroker | NoWay): found is LocalBroker {
  return 'url' in found
}
