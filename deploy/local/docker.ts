import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { messageOf, TidemillError } from '../../worker/errors.ts'
import { type CommandResult, run, tail } from './command.ts'
import type { LocalBroker, NoWay, WayOptions } from './contracts.ts'
import { isAlive } from './leftovers.ts'
import { freePorts } from './ports.ts'
import { untilReady } from './ready.ts'
import { Watchdog } from './watchdog.ts'

const DEFAULT_IMAGE = 'rabbitmq:4.3-management'
const OWNER_LABEL = 'tidemill.owner'
const INFO_TIMEOUT_MS = 5_000
const PULL_TIMEOUT_MS = 180_000
const COMMAND_TIMEOUT_MS = 60_000
const START_TIMEOUT_MS = 120_000
/** As arguments of erl: no file has to be brought into the container. What they are for stands beside the files of a private node. */
const NODE_ARGUMENTS = [
  '-rabbit collect_statistics_interval 500',
  '-rabbit quorum_tick_interval 500',
  '-rabbitmq_management_agent sample_retention_policies [{global,[{60,1}]},{basic,[{60,1}]},{detailed,[{60,1}]}]',
].join(' ')

/** Starts RabbitMQ in a container, where an engine answers; `TIDEMILL_RABBITMQ_IMAGE` names another image than `rabbitmq:4.3-management`. */
export async function startDocker(options: WayOptions): Promise<LocalBroker | NoWay> {
  const docker = (args: readonly string[], timeoutMs = COMMAND_TIMEOUT_MS) =>
    run('docker', args, { timeoutMs, env: options.env })
  const info = await docker(['info', '--format', '{{.ServerVersion}}'], INFO_TIMEOUT_MS)
  if (!info.ok || info.stdout.trim() === '') return { refused: info.ok ? 'docker info names no engine' : info.fault }
  await removeStale(docker)
  const image = options.env.TIDEMILL_RABBITMQ_IMAGE || DEFAULT_IMAGE
  if (!(await docker(['image', 'inspect', image])).ok) {
    options.log(`docker pull ${image}`)
    const pull = await docker(['pull', '--quiet', image], PULL_TIMEOUT_MS)
    if (!pull.ok) return { refused: pull.fault }
  }
  const [amqp, management] = (await freePorts(2)) as [number, number]
  const container = new Container(docker, options.env, { amqp, management })
  try {
    await container.create(image)
    return container
  } catch (error) {
    await container.stop()
    return { refused: messageOf(error) }
  }
}

type Docker = (args: readonly string[], timeoutMs?: number) => Promise<CommandResult>

class Container implements LocalBroker {
  readonly kind = 'docker'
  readonly url: string
  readonly managementUrl: string
  version = ''
  readonly #name = `tidemill-rabbitmq-${process.pid}-${randomBytes(4).toString('hex')}`
  readonly #docker: Docker
  readonly #ports: { readonly amqp: number; readonly management: number }
  readonly #watchdog: Watchdog
  #stopped = false

  constructor(docker: Docker, env: NodeJS.ProcessEnv, ports: { amqp: number; management: number }) {
    this.#docker = docker
    this.#ports = ports
    this.#watchdog = new Watchdog('docker rm --force --volumes "$1"', [this.#name], env)
    this.url = `amqp://guest:guest@127.0.0.1:${ports.amqp}`
    this.managementUrl = `http://127.0.0.1:${ports.management}`
  }

  async create(image: string): Promise<void> {
    await this.#run([
      ...['run', '--detach', '--name', this.#name, '--hostname', 'tidemill'],
      ...['--label', `${OWNER_LABEL}=${hostname()}:${process.pid}`],
      // Fixed: a port chosen by the engine changes at every start of the container.
      ...['--publish', `127.0.0.1:${this.#ports.amqp}:5672`, '--publish', `127.0.0.1:${this.#ports.management}:15672`],
      ...['--env', `RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=${NODE_ARGUMENTS}`],
      image,
    ])
    await this.#untilReady()
  }

  async start(): Promise<void> {
    if (this.#stopped) throw new TidemillError('ILLEGAL_STATE', 'this broker was stopped for good')
    await this.#run(['start', this.#name])
    await this.#untilReady()
  }

  async restart(): Promise<void> {
    await this.rabbitmqctl(['stop_app'])
    await this.rabbitmqctl(['start_app'])
    await this.#untilReady()
  }

  async kill(): Promise<void> {
    await this.#run(['kill', '--signal', 'KILL', this.#name])
    await this.#run(['wait', this.#name])
  }

  async rabbitmqctl(args: readonly string[]): Promise<string> {
    return this.#run(['exec', this.#name, 'rabbitmqctl', ...args])
  }

  async logs(): Promise<string> {
    const result = await this.#docker(['logs', this.#name])
    return `${result.stdout}${result.stderr}`
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    await this.#docker(['rm', '--force', '--volumes', this.#name])
    await this.#watchdog.dismiss()
  }

  async #untilReady(): Promise<void> {
    try {
      this.version = await untilReady(this.#ports, START_TIMEOUT_MS, () => undefined)
    } catch (error) {
      throw new TidemillError('NO_BROKER', `${messageOf(error)}; the end of its log:\n${tail(await this.logs(), 15)}`, {
        cause: error,
      })
    }
  }

  async #run(args: readonly string[]): Promise<string> {
    const result = await this.#docker(args)
    if (!result.ok) throw new TidemillError('NO_BROKER', result.fault)
    return result.stdout
  }
}

/** Removes the containers of this machine's runs whose process is dead. */
async function removeStale(docker: Docker): Promise<void> {
  const format = `{{.ID}} {{.Label "${OWNER_LABEL}"}}`
  const list = await docker(['ps', '--all', '--filter', `label=${OWNER_LABEL}`, '--format', format])
  for (const line of list.stdout.split('\n')) {
    const [id, owner] = line.split(' ')
    const [host, pid] = owner?.split(':') ?? []
    if (id && host === hostname() && !isAlive(Number(pid))) await docker(['rm', '--force', '--volumes', id])
  }
}
