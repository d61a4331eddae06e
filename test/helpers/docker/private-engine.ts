import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { run, tail } from '../../../deploy/local/command.ts'
import type { NoWay } from '../../../deploy/local/contracts.ts'
import { installPackages } from '../../../deploy/local/install.ts'
import { Watchdog } from '../../../deploy/local/watchdog.ts'

export interface EngineOptions {
  /** Whether Docker may be installed with apt-get, as root. */
  readonly install: boolean
  readonly log: (line: string) => void
}

/** The engine, its old compose, and what stand-ins of images are made with: a program, and the package that has it. */
const NEEDED = {
  docker: 'docker.io',
  dockerd: 'docker.io',
  'docker-compose': 'docker-compose',
  debootstrap: 'debootstrap',
  iptables: 'iptables',
}
const SERVICES = ['docker', 'containerd']
const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 30_000
const LOCK_WAIT_S = 1_800

/**
 * Nothing of this machine is changed: no rule of its firewall, no bridge but those of the tests' networks, no socket where others look
 * for one. Images are kept in the user's cache.
 */
const FLAGS = [
  ...['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--log-level=warn'],
  '--default-address-pool=base=10.213.0.0/16,size=24',
]

/** Leaves images, and only those that have a name. */
const CLEAN = [
  'docker ps --all --quiet | xargs -r docker rm --force --volumes',
  'docker network prune --force',
  'docker volume ls --quiet | xargs -r docker volume rm --force',
  'docker image prune --force',
].join('\n')

/** The engine leaves mounts of network namespaces behind. `$1` is its folder. */
const REMOVE = 'umount --lazy "$1"/exec/netns/*; rm -rf "$1"'

/** What ends an engine whose owner is gone. `$1` is its folder, `$2` its process. */
const BURY = `${CLEAN}
kill "$2"
for _ in $(seq 30); do kill -0 "$2" || break; sleep 1; done
${REMOVE}`

/** A dockerd of the tests' own. It ends with this process, however that ends. */
export class PrivateEngine {
  readonly host: string
  readonly #folder: string
  readonly #env: NodeJS.ProcessEnv
  readonly #daemon: ChildProcess
  readonly #watchdog: Watchdog

  /** Starts one, after Docker was installed where it is missing; waits for another run that uses the same images. */
  static async start(options: EngineOptions): Promise<PrivateEngine | NoWay> {
    if (process.getuid?.() !== 0) return { refused: 'only root can start one' }
    const packages = missingPackages()
    if (packages.length > 0) {
      const wanted = { what: 'Docker', packages, services: packages.includes('docker.io') ? SERVICES : [] }
      const refused = await installPackages(wanted, { ...options, env: process.env })
      if (refused !== undefined) return refused
    }
    const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'tidemill')
    mkdirSync(cache, { recursive: true })
    const lock = join(cache, 'docker.lock')
    if (!(await run('flock', ['--nonblock', lock, 'true'], { timeoutMs: 10_000 })).ok) {
      options.log('waiting for another run of the tests to be done with its Docker engine')
    }
    const engine = new PrivateEngine(lock, join(cache, 'docker'))
    const refused = await engine.#ready()
    if (refused === undefined) return engine
    await engine.stop()
    return { refused }
  }

  private constructor(lock: string, images: string) {
    this.#folder = mkdtempSync(join(tmpdir(), 'dockerd-'))
    this.host = `unix://${join(this.#folder, 'socket')}`
    // What containerd writes of its stacks when it ends goes with the folder too.
    this.#env = { ...process.env, DOCKER_HOST: this.host, TMPDIR: this.#folder }
    const places = [
      ...['--data-root', images, '--exec-root', join(this.#folder, 'exec'), '--pidfile', join(this.#folder, 'pid')],
      ...['--host', this.host],
    ]
    const log = openSync(join(this.#folder, 'log'), 'a')
    // Two engines can't share their images: the lock is the daemon's as long as it lives.
    const wait = ['--no-fork', '--wait', String(LOCK_WAIT_S), lock]
    this.#daemon = spawn('flock', [...wait, 'dockerd', ...places, ...FLAGS], {
      stdio: ['ignore', log, log],
      // Ctrl-C goes to the whole foreground group; the engine has to outlive the containers.
      detached: true,
      env: this.#env,
    })
    this.#daemon.on('error', () => undefined)
    this.#daemon.unref()
    this.#watchdog = new Watchdog(BURY, [this.#folder, String(this.#daemon.pid ?? '')], this.#env)
  }

  /** Removes all that tests left in it but the images, and ends it. */
  async stop(): Promise<void> {
    await this.#clean()
    if (this.#daemon.pid !== undefined && this.#daemon.exitCode === null && this.#daemon.signalCode === null) {
      const ended = once(this.#daemon, 'exit')
      this.#daemon.ref()
      this.#daemon.kill('SIGTERM')
      const timer = setTimeout(() => this.#daemon.kill('SIGKILL'), STOP_TIMEOUT_MS)
      await ended
      clearTimeout(timer)
    }
    await this.#watchdog.dismiss()
    await run('sh', ['-c', REMOVE, 'sh', this.#folder], { timeoutMs: STOP_TIMEOUT_MS })
  }

  async #clean(): Promise<void> {
    await run('sh', ['-c', CLEAN], { timeoutMs: STOP_TIMEOUT_MS, env: this.#env })
  }

  /** Resolves to what is wrong, or to undefined once it answers. */
  async #ready(): Promise<string | undefined> {
    const socket = join(this.#folder, 'socket')
    const deadline = performance.now() + LOCK_WAIT_S * 1_000 + START_TIMEOUT_MS
    while (performance.now() < deadline) {
      if (this.#daemon.exitCode !== null || this.#daemon.pid === undefined) {
        return `dockerd ended while it started: ${tail(readFileSync(join(this.#folder, 'log'), 'utf8'), 3)}`
      }
      if (existsSync(socket) && (await run('docker', ['info'], { timeoutMs: 5_000, env: this.#env })).ok) {
        // What a run left behind that was killed together with its watchdog.
        await this.#clean()
        return undefined
      }
      await sleep(100)
    }
    return 'dockerd did not answer in time'
  }
}

function missingPackages(): string[] {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']
  const missing = Object.entries(NEEDED).filter(([name]) => !folders.some((folder) => existsSync(join(folder, name))))
  return [...new Set(missing.map(([, name]) => name))]
}
