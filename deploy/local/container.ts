import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { messageOf, TidemillError } from '../../worker/errors.ts'
import { type CommandResult, run } from './command.ts'
import type { LocalBroker, NoWay, WayOptions } from './contracts.ts'
import { isAlive } from './leftovers.ts'
import { Watchdog } from './watchdog.ts'

const OWNER_LABEL = 'tidemill.owner'
const INFO_TIMEOUT_MS = 5_000
const PULL_TIMEOUT_MS = 180_000
const COMMAND_TIMEOUT_MS = 60_000

/** What to run in a container. */
export interface ContainerPlan {
  readonly protocol: 'rabbitmq' | 'kafka'
  readonly image: string
  /** Ports of 127.0.0.1, and those inside that they lead to. */
  readonly ports: readonly (readonly [outside: number, inside: number])[]
  readonly env: Readonly<Record<string, string>>
}

type Docker = (args: readonly string[], timeoutMs?: number) => Promise<CommandResult>

/** A container of this process's own: it goes with this process, however that ends. */
export class Container {
  readonly #name: string
  readonly #docker: Docker
  readonly #watchdog: Watchdog

  constructor(docker: Docker, protocol: string, env: NodeJS.ProcessEnv) {
    this.#name = `tidemill-${protocol}-${process.pid}-${randomBytes(4).toString('hex')}`
    this.#docker = docker
    this.#watchdog = new Watchdog('docker rm --force --volumes "$1"', [this.#name], env)
  }

  async create({ image, ports, env }: ContainerPlan): Promise<void> {
    await this.#run([
      ...['run', '--detach', '--name', this.#name, '--hostname', 'tidemill'],
      ...['--label', `${OWNER_LABEL}=${hostname()}:${process.pid}`],
      // Fixed: a port chosen by the engine changes at every start of the container.
      ...ports.flatMap(([outside, inside]) => ['--publish', `127.0.0.1:${outside}:${inside}`]),
      ...Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      image,
    ])
  }

  async start(): Promise<void> {
    await this.#run(['start', this.#name])
  }

  /** Ends what runs in it: with SIGKILL, or with SIGTERM and then, after some time, with SIGKILL. */
  async end({ withinMs = 0 } = {}): Promise<void> {
    if (withinMs > 0) await this.#run(['stop', '-t', String(Math.ceil(withinMs / 1_000)), this.#name])
    else await this.#run(['kill', '--signal', 'KILL', this.#name])
    await this.#run(['wait', this.#name])
  }

  /** Runs a command in it and returns its output. */
  async exec(args: readonly string[]): Promise<string> {
    return this.#run(['exec', this.#name, ...args])
  }

  async logs(): Promise<string> {
    const result = await this.#docker(['logs', this.#name])
    return `${result.stdout}${result.stderr}`
  }

  async remove(): Promise<void> {
    await this.#docker(['rm', '--force', '--volumes', this.#name])
    await this.#watchdog.dismiss()
  }

  async #run(args: readonly string[]): Promise<string> {
    const result = await this.#docker(args)
    if (!result.ok) throw new TidemillError('NO_BROKER', result.fault)
    return result.stdout
  }
}

/** Starts a broker in a container, where an engine answers and the image is there or can be pulled in three minutes. */
export async function startContainer<B extends LocalBroker>(
  plan: ContainerPlan,
  options: WayOptions,
  brokerOf: (container: Container) => B & { untilReady(): Promise<void> },
): Promise<B | NoWay> {
  const docker: Docker = (args, timeoutMs = COMMAND_TIMEOUT_MS) => run('docker', args, { timeoutMs, env: options.env })
  const info = await docker(['info', '--format', '{{.ServerVersion}}'], INFO_TIMEOUT_MS)
  if (!info.ok || info.stdout.trim() === '') return { refused: info.ok ? 'docker info names no engine' : info.fault }
  await removeStale(docker)
  if (!(await docker(['image', 'inspect', plan.image])).ok) {
    options.log(`docker pull ${plan.image}`)
    const pull = await docker(['pull', '--quiet', plan.image], PULL_TIMEOUT_MS)
    if (!pull.ok) return { refused: pull.fault }
  }
  const container = new Container(docker, plan.protocol, options.env)
  const broker = brokerOf(container)
  try {
    await container.create(plan)
    await broker.untilReady()
    return broker
  } catch (error) {
    await broker.stop()
    return { refused: messageOf(error) }
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
