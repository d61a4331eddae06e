import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { run } from '../../deploy/local/command.ts'
import { isNoWay } from '../../deploy/local/contracts.ts'
import { kafkaEnvironment, kafkaProperties, newClusterId } from '../../deploy/local/kafka-files.ts'
import { findKafka, type Program } from '../../deploy/local/kafka-node.ts'
import { isKafkaReady } from '../../deploy/local/kafka-ready.ts'
import { freePorts } from '../../deploy/local/ports.ts'
import { isRunning, PrivateHome, startPrivate } from '../../deploy/local/private-home.ts'
import { untilReady } from '../../deploy/local/ready.ts'

/** Who may log in, by every mechanism, each with the same password. Without rights until somebody grants them. */
const ACCOUNTS = ['worker', 'producer', 'topology', 'monitor'] as const
export type Account = (typeof ACCOUNTS)[number]
export const PASSWORD = 'correct horse: battery/@staple'

const STORE_PASSWORD = 'changeit'
const COMMAND_TIMEOUT_MS = 60_000
const START_TIMEOUT_MS = 90_000
const MODULES = 'org.apache.kafka.common.security'
const SCRAM = ['scram-sha-256', 'scram-sha-512']

/** A Kafka that asks for TLS and a password, and lets nobody do what is not granted. */
export class SecureKafka {
  /** Behind it everybody may do everything, without TLS and password. */
  readonly innerUrl: string
  /** `host:port` of the listener that asks for both. */
  readonly address: string
  /** The certificate of that listener. */
  readonly caFile: string
  readonly #program: Program
  readonly #home = new PrivateHome('kafka')
  readonly #env: NodeJS.ProcessEnv
  readonly #ports: readonly number[]

  static async start(): Promise<SecureKafka> {
    const log = (line: string): void => void process.stderr.write(`${line}\n`)
    const program = await findKafka({ install: true, log, env: process.env })
    if (isNoWay(program)) throw new Error(program.refused)
    const started = await startPrivate(async () => new SecureKafka(program, await freePorts(3)), log)
    if (isNoWay(started)) throw new Error(started.refused)
    return started
  }

  private constructor(program: Program, ports: readonly number[]) {
    this.#program = program
    this.#ports = ports
    this.#env = kafkaEnvironment(process.env, this.#home.folder)
    this.innerUrl = `kafka://127.0.0.1:${ports[0]}`
    this.address = `127.0.0.1:${ports[2]}`
    this.caFile = this.#path('ca.pem')
  }

  async start(): Promise<void> {
    mkdirSync(this.#path('tmp'))
    await this.makeCertificate(this.caFile, 'broker')
    const lines = Object.entries(this.#properties()).map(([name, value]) => `${name}=${value}`)
    writeFileSync(this.#path('server.properties'), `${lines.join('\n')}\n`)
    const scrams = ACCOUNTS.flatMap((name) => {
      return SCRAM.flatMap((type) => ['--add-scram', `${type.toUpperCase()}=[name=${name},password=${PASSWORD}]`])
    })
    const format = ['kafka.tools.StorageTool', 'format', '--cluster-id', newClusterId(), ...scrams]
    await this.#run(this.#program.java, [...this.#classes, ...format, '--config', this.#path('server.properties')])
    const broker = this.#home.spawn(
      this.#program.java,
      [
        '-Xmx512m',
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=1',
        ...this.#classes,
        'kafka.Kafka',
        this.#path('server.properties'),
      ],
      this.#env,
    )
    await untilReady(() => isKafkaReady(this.innerUrl), {
      timeoutMs: START_TIMEOUT_MS,
      obituary: () => (isRunning(broker) ? undefined : 'it has ended'),
      logs: async () => this.#home.logs(),
    })
  }

  stop(): Promise<void> {
    return this.#home.remove()
  }

  /** Makes a key and a certificate for 127.0.0.1, signed by itself, and writes the certificate. Only the broker's key is ever used. */
  async makeCertificate(pemFile: string, alias: string): Promise<void> {
    const keytool = join(dirname(this.#program.java), 'keytool')
    const store = ['-keystore', this.#path(`${alias}.p12`), '-storetype', 'PKCS12', '-storepass', STORE_PASSWORD]
    const about = ['-keyalg', 'EC', '-dname', `CN=${alias}`, '-ext', 'SAN=IP:127.0.0.1', '-validity', '3650']
    await this.#run(keytool, ['-genkeypair', '-alias', alias, ...about, ...store])
    await this.#run(keytool, ['-exportcert', '-rfc', '-alias', alias, '-file', pemFile, ...store])
  }

  #properties(): Record<string, string> {
    const [inner, controller, secure] = this.#ports as [number, number, number]
    const open = kafkaProperties({ client: inner, controller, proxied: undefined }, '127.0.0.1')
    const users = ACCOUNTS.map((name) => `user_${name}="${PASSWORD}"`).join(' ')
    return {
      ...open,
      'log.dirs': this.#path('data'),
      listeners: `${open['listeners']},SECURE://127.0.0.1:${secure}`,
      'advertised.listeners': `${open['advertised.listeners']},SECURE://${this.address}`,
      'listener.security.protocol.map': 'CLIENT:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT',
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      // Who comes in by the inner listener has no name.
      'super.users': 'User:ANONYMOUS',
      'sasl.enabled.mechanisms': ['PLAIN', ...SCRAM.map((type) => type.toUpperCase())].join(),
      'listener.name.secure.plain.sasl.jaas.config': `${MODULES}.plain.PlainLoginModule required ${users};`,
      ...Object.fromEntries(
        SCRAM.map((type) => [
          `listener.name.secure.${type}.sasl.jaas.config`,
          `${MODULES}.scram.ScramLoginModule required;`,
        ]),
      ),
      'ssl.keystore.type': 'PKCS12',
      'ssl.keystore.location': this.#path('broker.p12'),
      'ssl.keystore.password': STORE_PASSWORD,
    }
  }

  get #classes(): string[] {
    return [`-Djava.io.tmpdir=${this.#path('tmp')}`, '-cp', join(this.#program.jars, '*')]
  }

  #path(name: string): string {
    return join(this.#home.folder, name)
  }

  async #run(command: string, args: readonly string[]): Promise<void> {
    const result = await run(command, args, { timeoutMs: COMMAND_TIMEOUT_MS, env: this.#env, cwd: this.#home.folder })
    if (!result.ok) throw new Error(`${command} failed: ${result.fault}`)
  }
}
