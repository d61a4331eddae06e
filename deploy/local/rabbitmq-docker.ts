import { TidemillError } from '../../worker/errors.ts'
import { type Container, startContainer } from './container.ts'
import { type LocalRabbitmq, type NoWay, SHUTDOWN_MS, type WayOptions } from './contracts.ts'
import { freePorts } from './ports.ts'
import { askRabbitmq, type Doors } from './rabbitmq-ready.ts'
import { untilReady } from './ready.ts'

const DEFAULT_IMAGE = 'rabbitmq:4.3-management'
const START_TIMEOUT_MS = 120_000
/** As arguments of erl: no file has to be brought into the container. What they are for stands beside the files of a private node. */
const NODE_ARGUMENTS = [
  '-rabbit collect_statistics_interval 500',
  '-rabbit quorum_tick_interval 500',
  '-rabbitmq_management_agent sample_retention_policies [{global,[{60,1}]},{basic,[{60,1}]},{detailed,[{60,1}]}]',
].join(' ')

/** Starts RabbitMQ in a container, where an engine answers; `TIDEMILL_RABBITMQ_IMAGE` names another image than `rabbitmq:4.3-management`. */
export async function startRabbitmqContainer(options: WayOptions): Promise<LocalRabbitmq | NoWay> {
  const [amqp, management] = (await freePorts(2)) as [number, number]
  const plan = {
    protocol: 'rabbitmq',
    image: options.env.TIDEMILL_RABBITMQ_IMAGE || DEFAULT_IMAGE,
    ports: [
      [amqp, 5672],
      [management, 15672],
    ],
    env: { RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: NODE_ARGUMENTS },
  } as const
  return startContainer(plan, options, (container) => new ContainerRabbitmq(container, { amqp, management }))
}

class ContainerRabbitmq implements LocalRabbitmq {
  readonly protocol = 'rabbitmq'
  readonly kind = 'docker'
  readonly url: string
  readonly managementUrl: string
  version = ''
  readonly #container: Container
  readonly #doors: Doors
  #stopped = false

  constructor(container: Container, doors: Doors) {
    this.#container = container
    this.#doors = doors
    this.url = `amqp://guest:guest@127.0.0.1:${doors.amqp}`
    this.managementUrl = `http://127.0.0.1:${doors.management}`
  }

  async start(): Promise<void> {
    if (this.#stopped) throw new TidemillError('ILLEGAL_STATE', 'this broker was stopped for good')
    await this.#container.start()
    await this.untilReady()
  }

  async restart(): Promise<void> {
    await this.#container.end({ withinMs: SHUTDOWN_MS })
    await this.start()
  }

  async kill(): Promise<void> {
    await this.#container.end()
  }

  async rabbitmqctl(args: readonly string[]): Promise<string> {
    return this.#container.exec(['rabbitmqctl', ...args])
  }

  async logs(): Promise<string> {
    return this.#container.logs()
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    await this.#container.remove()
  }

  async untilReady(): Promise<void> {
    this.version = await untilReady(() => askRabbitmq(this.#doors), {
      timeoutMs: START_TIMEOUT_MS,
      logs: () => this.logs(),
    })
  }
}
