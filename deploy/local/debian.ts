import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, TidemillError } from '../../worker/errors.ts'
import { run, tail } from './command.ts'
import type { LocalBroker, NoWay, WayOptions } from './contracts.ts'
import { installPackages, type Wanted } from './install.ts'
import { CLEAN_SCRIPT, cleanNow, cleanStale, makeFolder, notePids, removeFolder } from './leftovers.ts'
import { nodeEnvironment, writeNodeFiles } from './node-files.ts'
import { accepts, freePorts } from './ports.ts'
import { untilReady } from './ready.ts'
import { Watchdog } from './watchdog.ts'

const START_TIMEOUT_MS = 90_000
const CTL_TIMEOUT_MS = 60_000
const EPMD_TIMEOUT_MS = 5_000
const TRIES = 3
/** Debian's own RabbitMQ. */
export const RABBITMQ: Wanted = { what: 'RabbitMQ', packages: ['rabbitmq-server'], services: ['rabbitmq-server'] }
/** The scripts themselves: what lies on the PATH of a Debian are wrappers that insist on root or on the user rabbitmq. */
const SCRIPT_FOLDERS = ['/usr/lib/rabbitmq/bin', '/opt/homebrew/opt/rabbitmq/sbin', '/usr/local/opt/rabbitmq/sbin']

/** Starts the machine's own RabbitMQ as a private node: its own name, ports, epmd, data and logs, all in one folder that goes with it. */
export async function startDebian(options: WayOptions): Promise<LocalBroker | NoWay> {
  const scripts = findScripts(options.env) ?? (await installedScripts(options))
  if (typeof scripts !== 'string') return scripts
  for (const folder of cleanStale()) options.log(`removed ${folder}, left behind by a run that was killed`)
  for (let attempt = 1; ; attempt += 1) {
    const node = await PrivateNode.create(scripts, options.env)
    try {
      await node.start()
      return node
    } catch (error) {
      await node.stop()
      // Another program may have taken a port between its choice and its use.
      if (attempt === TRIES) return { refused: messageOf(error) }
      options.log(`the broker did not start, trying again: ${messageOf(error).split('\n', 1)[0]}`)
    }
  }
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

class PrivateNode implements LocalBroker {
  readonly kind = 'debian'
  readonly url: string
  readonly managementUrl: string
  version = ''
  readonly #scripts: string
  readonly #folder: string
  readonly #ports: { readonly amqp: number; readonly management: number; readonly epmd: number }
  readonly #env: NodeJS.ProcessEnv
  readonly #watchdog: Watchdog
  readonly #onExit: () => void
  #epmd: ChildProcess | undefined
  #node: ChildProcess | undefined
  #stopped = false

  static async create(scripts: string, env: NodeJS.ProcessEnv): Promise<PrivateNode> {
    const [amqp, management, distribution, epmd] = (await freePorts(4)) as [number, number, number, number]
    return new PrivateNode(scripts, env, { amqp, management, distribution, epmd })
  }

  private constructor(
    scripts: string,
    env: NodeJS.ProcessEnv,
    ports: { amqp: number; management: number; distribution: number; epmd: number },
  ) {
    this.#scripts = scripts
    this.#ports = ports
    this.#folder = makeFolder()
    this.#watchdog = new Watchdog(CLEAN_SCRIPT, [this.#folder])
    this.#onExit = () => {
      cleanNow(this.#folder)
      this.#watchdog.dismissNow()
    }
    process.once('exit', this.#onExit)
    this.#env = nodeEnvironment(env, this.#folder, ports)
    mkdirSync(join(this.#folder, 'log'))
    writeNodeFiles(this.#folder, ports)
    this.url = `amqp://guest:guest@127.0.0.1:${ports.amqp}`
    this.managementUrl = `http://127.0.0.1:${ports.management}`
  }

  async start(): Promise<void> {
    if (this.#stopped) throw new TidemillError('ILLEGAL_STATE', 'this broker was stopped for good')
    if (isRunning(this.#node)) return
    if (!isRunning(this.#epmd)) await this.#startEpmd()
    // The arguments go to erl: no shell on a closed stdin, no second epmd, no cluster port for the network.
    const args = ['-noinput', '-start_epmd', 'false', '-kernel', 'inet_dist_use_interface', '{127,0,0,1}']
    const log = openSync(this.#logFile, 'a')
    this.#node = this.#spawn(join(this.#scripts, 'rabbitmq-server'), args, log)
    closeSync(log)
    this.#note()
    try {
      this.version = await untilReady(this.#ports, START_TIMEOUT_MS, () =>
        isRunning(this.#node) ? undefined : 'the broker ended while it started',
      )
    } catch (error) {
      throw new TidemillError('NO_BROKER', `${messageOf(error)}; the end of its log:\n${tail(await this.logs(), 15)}`, {
        cause: error,
      })
    }
  }

  async restart(): Promise<void> {
    await this.rabbitmqctl(['stop_app'])
    await this.rabbitmqctl(['start_app'])
    await untilReady(this.#ports, START_TIMEOUT_MS, () => (isRunning(this.#node) ? undefined : 'the broker has ended'))
  }

  async kill(): Promise<void> {
    await end(this.#node)
    this.#note()
  }

  async rabbitmqctl(args: readonly string[]): Promise<string> {
    const result = await run(join(this.#scripts, 'rabbitmqctl'), args, {
      timeoutMs: CTL_TIMEOUT_MS,
      env: this.#env,
      cwd: this.#folder,
    })
    if (!result.ok) throw new TidemillError('NO_BROKER', `rabbitmqctl ${args.join(' ')}: ${result.fault}`)
    return result.stdout
  }

  async logs(): Promise<string> {
    return existsSync(this.#logFile) ? readFileSync(this.#logFile, 'utf8') : ''
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    await end(this.#node)
    await end(this.#epmd)
    await this.#watchdog.dismiss()
    process.off('exit', this.#onExit)
    removeFolder(this.#folder)
  }

  get #logFile(): string {
    return join(this.#folder, 'log', 'broker.log')
  }

  async #startEpmd(): Promise<void> {
    this.#epmd = this.#spawn('epmd', ['-port', String(this.#ports.epmd)], 'ignore')
    this.#note()
    const deadline = performance.now() + EPMD_TIMEOUT_MS
    while (!(await accepts(this.#ports.epmd))) {
      if (!isRunning(this.#epmd)) throw new TidemillError('NO_BROKER', 'epmd ended while it started')
      if (performance.now() > deadline) throw new TidemillError('NO_BROKER', 'epmd did not start')
      await sleep(20)
    }
  }

  #spawn(command: string, args: readonly string[], output: number | 'ignore'): ChildProcess {
    const child = spawn(command, args, {
      stdio: ['ignore', output, output],
      env: this.#env,
      cwd: this.#folder,
      // Ctrl-C goes to the whole foreground group; the broker has to outlive the drain of the workers.
      detached: true,
    })
    child.on('error', (error) => writeFileSync(this.#logFile, `${command}: ${error.message}\n`, { flag: 'a' }))
    child.unref()
    return child
  }

  /** epmd last: a node that can't sign off there waits for it. */
  #note(): void {
    notePids(
      this.#folder,
      [this.#node, this.#epmd].map((child) => (isRunning(child) ? child?.pid : undefined)),
    )
  }
}

function isRunning(child: ChildProcess | undefined): boolean {
  return child?.pid !== undefined && child.exitCode === null && child.signalCode === null
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || !isRunning(child)) return
  const gone = once(child, 'exit')
  child.ref()
  child.kill('SIGKILL')
  await gone
}
