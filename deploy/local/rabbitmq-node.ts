import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { TidemillError } from '../../worker/errors.ts'
import { run } from './command.ts'
import { type LocalRabbitmq, type NoWay, SHUTDOWN_MS, type WayOptions } from './contracts.ts'
import { installPackages, type Wanted } from './install.ts'
import { accepts, freePorts } from './ports.ts'
import { isRunning, PrivateHome, startPrivate } from './private-home.ts'
import { nodeEnvironment, writeNodeFiles } from './rabbitmq-files.ts'
import { askRabbitmq } from './rabbitmq-ready.ts'
import { untilReady } from './ready.ts'

const START_TIMEOUT_MS = 90_000
const CTL_TIMEOUT_MS = 60_000
const EPMD_TIMEOUT_MS = 5_000
/** Debian's own RabbitMQ. */
export const RABBITMQ: Wanted = { what: 'RabbitMQ', packages: ['rabbitmq-server'], services: ['rabbitmq-server'] }
/** The scripts themselves: what lies on the PATH of a Debian are wrappers that insist on root or on the user rabbitmq. */
const SCRIPT_FOLDERS = ['/usr/lib/rabbitmq/bin', '/opt/homebrew/opt/rabbitmq/sbin', '/usr/local/opt/rabbitmq/sbin']

/** Starts the machine's own RabbitMQ as a private node: its own name, ports, epmd, data and logs, all in one folder that goes with it. */
export async function startDebian(options: WayOptions): Promise<LocalRabbitmq | NoWay> {
  const scripts = findScripts(options.env) ?? (await installedScripts(options))
  if (typeof scripts !== 'string') return scripts
  return startPrivate(() => PrivateRabbitmq.create(scripts, options.env), options.log)
}

async function installedScripts(options: WayOptions): Promise<string | NoWay> {
  const refused = await installPackages(RABBITMQ, options)
  if (refused !== undefined) return refused
  return (
    findScripts(options.env) ?? {
      refused: 'rabbitmq-server was installed, but its scripts are not where they should be',
    }
  )
}

function findScripts(env: NodeJS.ProcessEnv): string | undefined {
  const folders = [...SCRIPT_FOLDERS, ...(env.PATH ?? '').split(delimiter)]
  return folders.find((folder) => ['rabbitmq-server', 'rabbitmq-env'].every((name) => existsSync(join(folder, name))))
}

class PrivateRabbitmq implements LocalRabbitmq {
  readonly protocol = 'rabbitmq'
  readonly kind = 'debian'
  readonly url: string
  readonly managementUrl: string
  version = ''
  readonly #scripts: string
  readonly #ports: { readonly amqp: number; readonly management: number; readonly epmd: number }
  readonly #env: NodeJS.ProcessEnv
  readonly #home = new PrivateHome('rabbitmq')
  #epmd: ChildProcess | undefined
  #node: ChildProcess | undefined
  #stopped = false

  static async create(scripts: string, env: NodeJS.ProcessEnv): Promise<PrivateRabbitmq> {
    const [amqp, management, distribution, epmd] = (await freePorts(4)) as [number, number, number, number]
    return new PrivateRabbitmq(scripts, env, { amqp, management, distribution, epmd })
  }

  private constructor(
    scripts: string,
    env: NodeJS.ProcessEnv,
    ports: { amqp: number; management: number; distribution: number; epmd: number },
  ) {
    this.#scripts = scripts
    this.#ports = ports
    this.#env = nodeEnvironment(env, this.#home.folder, ports)
    writeNodeFiles(this.#home.folder, ports)
    this.url = `amqp://guest:guest@127.0.0.1:${ports.amqp}`
    this.managementUrl = `http://127.0.0.1:${ports.management}`
  }

  async start(): Promise<void> {
    if (this.#stopped) throw new TidemillError('ILLEGAL_STATE', 'this broker was stopped for good')
    if (isRunning(this.#node)) return
    if (!isRunning(this.#epmd)) await this.#startEpmd()
    // The arguments go to erl: no shell on a closed stdin, no second epmd, no cluster port for the network.
    const args = ['-noinput', '-start_epmd', 'false', '-kernel', 'inet_dist_use_interface', '{127,0,0,1}']
    this.#node = this.#home.spawn(join(this.#scripts, 'rabbitmq-server'), args, this.#env)
    await this.#untilReady()
  }

  async restart(): Promise<void> {
    await this.#home.end(this.#node, { withinMs: SHUTDOWN_MS })
    await this.start()
  }

  async kill(): Promise<void> {
    await this.#home.end(this.#node)
  }

  async rabbitmqctl(args: readonly string[]): Promise<string> {
    const result = await run(join(this.#scripts, 'rabbitmqctl'), args, {
      timeoutMs: CTL_TIMEOUT_MS,
      env: this.#env,
      cwd: this.#home.folder,
    })
    if (!result.ok) throw new TidemillError('NO_BROKER', `rabbitmqctl ${args.join(' ')}: ${result.fault}`)
    return result.stdout
  }

  async logs(): Promise<string> {
    return this.#home.logs()
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    await this.#home.remove()
  }

  async #startEpmd(): Promise<void> {
    const { epmd } = this.#ports
    this.#epmd = this.#home.spawn('epmd', ['-port', String(epmd)], this.#env)
    await untilReady(async () => (await accepts(epmd)) || undefined, {
      timeoutMs: EPMD_TIMEOUT_MS,
      obituary: () => (isRunning(this.#epmd) ? undefined : 'epmd has ended'),
      logs: () => this.logs(),
    })
  }

  async #untilReady(): Promise<void> {
    this.version = await untilReady(() => askRabbitmq(this.#ports), {
      timeoutMs: START_TIMEOUT_MS,
      obituary: () => (isRunning(this.#node) ? undefined : 'it has ended'),
      logs: () => this.logs(),
    })
  }
}
