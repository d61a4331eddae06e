import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type CommandResult, run } from '../../../deploy/local/command.ts'
import { freePorts } from '../../../deploy/local/ports.ts'
import { uniqueName } from '../queue.ts'
import { waitFor } from '../wait.ts'
import type { Engine } from './engine.ts'
import type { Images } from './stand-ins.ts'
import { buildTidemill } from './tidemill-images.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const TIMEOUT_MS = 300_000
const PORTS = ['RABBITMQ_PORT', 'RABBITMQ_MANAGEMENT_PORT', 'KAFKA_PORT', 'PROMETHEUS_PORT', 'GRAFANA_PORT'] as const
type Port = (typeof PORTS)[number]

/** A stack of the project's docker-compose.yml: its own name, ports and images. Taken down with `t.after`, its volumes too. */
export class Stack {
  readonly port: Readonly<Record<Port, number>>
  readonly #engine: Engine
  readonly #program: readonly [string, ...string[]]
  readonly #env: NodeJS.ProcessEnv

  static async open(t: TestContext, engine: Engine, images: Images, profile: 'rabbitmq' | 'kafka'): Promise<Stack> {
    const ports = await freePorts(PORTS.length)
    const port = Object.fromEntries(PORTS.map((name, index) => [name, ports[index]!])) as Record<Port, number>
    const { examples } = await buildTidemill(engine, images)
    const found: Record<string, string> = { TIDEMILL_IMAGE: examples }
    for (const name of [profile, 'prometheus', 'grafana'] as const) {
      found[`${name.toUpperCase()}_IMAGE`] = await images.get(name)
    }
    const stack = new Stack(engine, await findCompose(engine), port, {
      ...engine.env,
      ...found,
      ...Object.fromEntries(PORTS.map((name) => [name, String(port[name])])),
      COMPOSE_PROJECT_NAME: uniqueName('tidemill-test'),
      COMPOSE_PROFILES: profile,
    })
    t.after(() => stack.#run(['down', '--volumes', '--timeout', '1']))
    return stack
  }

  private constructor(
    engine: Engine,
    program: readonly [string, ...string[]],
    port: Readonly<Record<Port, number>>,
    env: NodeJS.ProcessEnv,
  ) {
    this.#engine = engine
    this.#program = program
    this.port = port
    this.#env = env
  }

  /** `docker compose ...`; rejects with the end of every service's log when it fails. */
  async compose(...args: readonly string[]): Promise<string> {
    const result = await this.#run(args)
    if (result.ok) return result.stdout
    const logs = await this.#run(['logs', '--tail', '15'])
    throw new Error(`docker compose ${args.join(' ')}: ${result.fault}\n${logs.stdout}${logs.stderr}`)
  }

  /** Waits until so many containers of a service say that they are healthy, and no other of it is left. */
  async untilHealthy(service: string, count: number): Promise<void> {
    await waitFor(
      `${count} containers of ${service} are healthy`,
      async () => {
        const ids = (await this.compose('ps', '--quiet', service)).split('\n').filter(Boolean)
        if (ids.length !== count || count === 0) return ids.length === count
        const health = await this.#engine.docker('inspect', '--format', '{{.State.Health.Status}}', ...ids)
        return health.split('\n').every((status) => status === 'healthy')
      },
      { timeoutMs: 120_000, everyMs: 500 },
    )
  }

  /** The one value of a query of Prometheus; undefined when there is none. */
  async query(promql: string): Promise<number | undefined> {
    const url = `http://127.0.0.1:${this.port.PROMETHEUS_PORT}/api/v1/query?query=${encodeURIComponent(promql)}`
    const { data } = (await (await fetch(url)).json()) as { data: { result: { value: [number, string] }[] } }
    const value = data.result[0]?.value[1]
    return value === undefined ? undefined : Number(value)
  }

  /** Waits until a query has a value. */
  async untilQuery(promql: string, value: number): Promise<void> {
    await waitFor(`${promql} is ${value}`, async () => (await this.query(promql)) === value, {
      timeoutMs: 60_000,
      everyMs: 500,
    })
  }

  #run(args: readonly string[]): Promise<CommandResult> {
    const [command, ...rest] = this.#program
    return run(command, [...rest, ...args], { timeoutMs: TIMEOUT_MS, env: this.#env, cwd: ROOT })
  }
}

/** The engine's own compose, else the one of Debian 12, which is 1.29. */
async function findCompose(engine: Engine): Promise<readonly [string, ...string[]]> {
  if ((await engine.run(['compose', 'version'])).ok) return ['docker', 'compose']
  const old = await run('docker-compose', ['version'], { timeoutMs: 30_000, env: engine.env })
  if (old.ok) return ['docker-compose']
  throw new Error('expected docker compose or docker-compose, found neither')
}
