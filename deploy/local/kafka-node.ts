import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { TidemillError } from '../../worker/errors.ts'
import { run } from './command.ts'
import { type LocalKafka, type NoWay, SHUTDOWN_MS, type WayOptions } from './contracts.ts'
import { installPackages } from './install.ts'
import { findJava, pathsOf } from './java.ts'
import { type KafkaPorts, kafkaEnvironment, newClusterId, writeKafkaFiles } from './kafka-files.ts'
import { areJarsWhole, fetchJars, jarsFolder } from './kafka-jars.ts'
import { isKafkaReady, kafkaVersionIn } from './kafka-ready.ts'
import { freePorts } from './ports.ts'
import { isRunning, PrivateHome, startPrivate } from './private-home.ts'
import { untilReady } from './ready.ts'

const LEAST_JAVA = 17
const TRUST_TIMEOUT_MS = 120_000
const FORMAT_TIMEOUT_MS = 60_000
const START_TIMEOUT_MS = 90_000
/** For a start in two seconds and a broker of a few hundred megabytes: it has to serve tests, not a company. */
const JVM_ARGS = ['-Xms128m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData']

/** Starts an Apache Kafka from Maven Central: its own ports, data and logs, all in one folder that goes with it. Its jars stay, for the next time. */
export async function startMaven(options: WayOptions, { proxied = false } = {}): Promise<LocalKafka | NoWay> {
  const program = await findKafka(options)
  if ('refused' in program) return program
  return startPrivate(() => PrivateKafka.create(program, options.env, proxied), options.log)
}

/** What it takes to run a Kafka. */
export interface Program {
  readonly java: string
  readonly jars: string
}

/** Finds Java and the jars, after they were installed and fetched where they are missing. */
export async function findKafka(options: WayOptions): Promise<Program | NoWay> {
  const jars = jarsFolder(options.env)
  const isFetched = areJarsWhole(jars)
  let java = await findJava(LEAST_JAVA, options.env)
  let mvn = pathsOf('mvn', options.env)[0]
  const wanted = [
    ...(java === undefined ? [{ what: `Java ${LEAST_JAVA}`, name: 'default-jre-headless' }] : []),
    ...(mvn === undefined && !isFetched ? [{ what: 'Maven', name: 'maven' }] : []),
  ]
  if (wanted.length > 0) {
    const what = wanted.map((one) => one.what).join(' or ')
    const refused = await installPackages({ what, packages: wanted.map(({ name }) => name), services: [] }, options)
    if (refused !== undefined) return refused
    await trustAsMachine(options)
    java = await findJava(LEAST_JAVA, options.env)
    mvn = pathsOf('mvn', options.env)[0]
  }
  if (java === undefined) return { refused: `Debian's Java was installed, and is older than ${LEAST_JAVA}` }
  if (!isFetched) {
    if (mvn === undefined) return { refused: 'maven was installed, but mvn is not on the PATH' }
    const refused = await fetchJars(jars, mvn, options)
    if (refused !== undefined) return refused
  }
  return { java, jars }
}

/** Debian's Java keeps certificates of its own: those that somebody added to the machine's reach a new one only by this. */
async function trustAsMachine({ env, log }: WayOptions): Promise<void> {
  log('update-ca-certificates')
  await run('update-ca-certificates', [], { timeoutMs: TRUST_TIMEOUT_MS, env })
}

class PrivateKafka implements LocalKafka {
  readonly protocol = 'kafka'
  readonly kind = 'maven'
  readonly managementUrl = undefined
  readonly url: string
  readonly proxied: LocalKafka['proxied']
  version = ''
  readonly #program: Program
  readonly #env: NodeJS.ProcessEnv
  readonly #home = new PrivateHome('kafka')
  readonly #files: { readonly properties: string; readonly logging: string }
  #node: ChildProcess | undefined
  #stopped = false

  static async create(program: Program, env: NodeJS.ProcessEnv, proxied: boolean): Promise<PrivateKafka> {
    const [client, controller, port, advertisedPort] = (await freePorts(4)) as [number, number, number, number]
    const ports = { client, controller, proxied: proxied ? { port, advertisedPort } : undefined }
    return new PrivateKafka(program, env, ports)
  }

  private constructor(program: Program, env: NodeJS.ProcessEnv, ports: KafkaPorts) {
    this.#program = program
    this.#env = kafkaEnvironment(env, this.#home.folder)
    this.#files = writeKafkaFiles(this.#home.folder, ports)
    this.url = `kafka://127.0.0.1:${ports.client}`
    this.proxied = ports.proxied
  }

  async start(): Promise<void> {
    if (this.#stopped) throw new TidemillError('ILLEGAL_STATE', 'this broker was stopped for good')
    if (isRunning(this.#node)) return
    if (!existsSync(join(this.#home.folder, 'data'))) await this.#format()
    const args = [`-Dlog4j2.configurationFile=${this.#files.logging}`, 'kafka.Kafka', this.#files.properties]
    this.#node = this.#home.spawn(this.#program.java, [...this.#jvmArgs, ...args], this.#env)
    await untilReady(() => isKafkaReady(this.url), {
      timeoutMs: START_TIMEOUT_MS,
      obituary: () => (isRunning(this.#node) ? undefined : 'it has ended'),
      logs: () => this.logs(),
    })
    this.version = kafkaVersionIn(await this.logs())
  }

  async restart(): Promise<void> {
    await this.#home.end(this.#node, { withinMs: SHUTDOWN_MS })
    await this.start()
  }

  async kill(): Promise<void> {
    await this.#home.end(this.#node)
  }

  async logs(): Promise<string> {
    return this.#home.logs()
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    await this.#home.remove()
  }

  get #jvmArgs(): string[] {
    const { folder } = this.#home
    return [...JVM_ARGS, `-Djava.io.tmpdir=${join(folder, 'tmp')}`, '-cp', join(this.#program.jars, '*')]
  }

  /** Kafka starts in no folder that was not made for its cluster. */
  async #format(): Promise<void> {
    const tool = ['kafka.tools.StorageTool', 'format', '--cluster-id', newClusterId()]
    const result = await run(this.#program.java, [...this.#jvmArgs, ...tool, '--config', this.#files.properties], {
      timeoutMs: FORMAT_TIMEOUT_MS,
      env: this.#env,
      cwd: this.#home.folder,
    })
    if (!result.ok) throw new TidemillError('NO_BROKER', `its storage can't be formatted: ${result.fault}`)
  }
}
