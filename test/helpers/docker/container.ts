import type { TestContext } from 'node:test'
import { uniqueName } from '../queue.ts'
import { waitFor } from '../wait.ts'
import type { Engine } from './engine.ts'

/** How the project says that its image can be run: nothing to write to, no rights, little of everything. */
const CONFINED = [
  ...['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--memory', '256m', '--cpus', '0.5'],
] as const

export interface ContainerOptions {
  /** Arguments of `docker run`. Default: confined. */
  readonly limits?: readonly string[]
  /** More arguments of `docker run`. */
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** What the image's command is told. Default: the image's own. */
  readonly command?: readonly string[]
  /** Where its probes are served on this machine. */
  readonly httpPort: number
}

/** A container on this machine's own network, so that it reaches the tests' broker. Removed with `t.after`. */
export class Container {
  readonly name = uniqueName('tidemill-test')
  readonly #engine: Engine
  readonly #httpPort: number

  static async start(t: TestContext, engine: Engine, image: string, options: ContainerOptions): Promise<Container> {
    const container = new Container(engine, options.httpPort)
    t.after(() => engine.run(['rm', '--force', '--volumes', container.name]))
    const env = { TIDEMILL_HTTP_HOST: '127.0.0.1', TIDEMILL_HTTP_PORT: String(options.httpPort), ...options.env }
    await engine.docker(
      ...['run', '--detach', '--name', container.name, '--network', 'host', ...(options.limits ?? CONFINED)],
      ...Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
      ...(options.args ?? []),
      image,
      ...(options.command ?? []),
    )
    return container
  }

  private constructor(engine: Engine, httpPort: number) {
    this.#engine = engine
    this.#httpPort = httpPort
  }

  /** Resolves with the time, in ms since the epoch, at which /readyz first said 200. Rejects with its log when it ends before. */
  ready(): Promise<number> {
    return waitFor(
      'the container is ready',
      async () => {
        if ((await this.get('/readyz')) !== undefined) return performance.timeOrigin + performance.now()
        if ((await this.inspect('{{.State.Running}}')) === 'true') return undefined
        throw new Error(`the container ended before it was ready:\n${await this.logs()}`)
      },
      { timeoutMs: 60_000, everyMs: 5 },
    )
  }

  /** The text of one of its HTTP paths; undefined when it is not 200. */
  async get(path: string): Promise<string | undefined> {
    const url = `http://127.0.0.1:${this.#httpPort}${path}`
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined)
    const text = await response?.text().catch(() => undefined)
    return response?.ok ? text : undefined
  }

  /** One figure of `docker inspect`. */
  inspect(format: string): Promise<string> {
    return this.#engine.docker('inspect', '--format', format, this.name)
  }

  async logs(): Promise<string> {
    const { stdout, stderr } = await this.#engine.run(['logs', this.name])
    return stdout + stderr
  }

  /** `docker stop` with the grace that Kubernetes gives; resolves with the exit code. */
  async stop(): Promise<number> {
    await this.#engine.docker('stop', '--time', '45', this.name)
    return Number(await this.inspect('{{.State.ExitCode}}'))
  }
}
