import { type CommandResult, run } from '../../../deploy/local/command.ts'
import { type EngineOptions, PrivateEngine } from './private-engine.ts'

/** How the runner of the tests tells the files where the engine answers that it started. */
export const SHARED_ENGINE = 'TEST_DOCKER_HOST'

const PROBE_TIMEOUT_MS = 10_000
const COMMAND_TIMEOUT_MS = 600_000

/** A Docker engine for tests. What a test makes in it, it removes; images stay, so that the next run is fast. */
export class Engine {
  /** For docker and docker-compose. */
  readonly env: NodeJS.ProcessEnv
  /** Started by us: it has no way out of its networks, and what it builds borrows this machine's. */
  readonly isPrivate: boolean
  readonly #stop: () => Promise<void>

  constructor(host: string | undefined, isPrivate: boolean, stop: () => Promise<void> = async () => undefined) {
    this.env = { ...process.env, ...(host !== undefined && { DOCKER_HOST: host }) }
    this.isPrivate = isPrivate
    this.#stop = stop
  }

  /** Runs docker to its end. A failure is a result as well. */
  run(args: readonly string[], timeoutMs = COMMAND_TIMEOUT_MS): Promise<CommandResult> {
    return run('docker', args, { timeoutMs, env: this.env })
  }

  /** What docker wrote to stdout, without the last line's end. Rejects when it fails. */
  async docker(...args: readonly string[]): Promise<string> {
    const result = await this.run(args)
    if (!result.ok) throw new Error(`docker ${args.join(' ')}: ${result.fault}`)
    return result.stdout.trimEnd()
  }

  /** Builds an image from a folder. */
  async build(tag: string, folder: string, args: readonly string[]): Promise<void> {
    const network = this.isPrivate ? ['--network', 'host'] : []
    await this.docker('build', '--quiet', ...network, '--tag', tag, ...args, folder)
  }

  stop(): Promise<void> {
    return this.#stop()
  }
}

/**
 * The engine that answers on this machine, else one of our own, on a socket that nobody else knows, which ends with this process.
 * @throws Error, one that says why there is none
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const shared = process.env[SHARED_ENGINE]
  if (shared) return new Engine(shared, true)
  const found = await run('docker', ['info', '--format', '{{.ServerVersion}}'], { timeoutMs: PROBE_TIMEOUT_MS })
  if (found.ok && found.stdout.trim() !== '') return new Engine(undefined, false)
  const own = await PrivateEngine.start(options)
  if (own instanceof PrivateEngine) return new Engine(own.host, true, () => own.stop())
  throw new Error(
    [
      'there is no Docker engine to build and run the image with. Any of these would do:',
      `  - an engine that answers; here: ${found.fault || 'docker info names none'}`,
      `  - one that is started by the tests, as root on Debian or Ubuntu; here: ${own.refused}`,
      'To test without it: TIDEMILL_NO_DOCKER=1',
    ].join('\n'),
  )
}
