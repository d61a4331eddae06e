import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The ports of a Kafka on this machine. */
export interface KafkaPorts {
  readonly client: number
  readonly controller: number
  /** A second listener, and the port where those who come in by it are sent. */
  readonly proxied: { readonly port: number; readonly advertisedPort: number } | undefined
}

/**
 * The properties of a Kafka that is one broker and its own controller, on 127.0.0.1 only.
 * @param bind the address to listen on
 */
export function kafkaProperties({ client, controller, proxied }: KafkaPorts, bind: string): Record<string, string> {
  const listeners = [`CLIENT://${bind}:${client}`, `CONTROLLER://127.0.0.1:${controller}`]
  const advertised = [`CLIENT://127.0.0.1:${client}`]
  if (proxied !== undefined) {
    listeners.push(`PROXIED://${bind}:${proxied.port}`)
    advertised.push(`PROXIED://127.0.0.1:${proxied.advertisedPort}`)
  }
  return {
    'node.id': '1',
    'process.roles': 'broker,controller',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'CLIENT',
    listeners: listeners.join(),
    'advertised.listeners': advertised.join(),
    'listener.security.protocol.map': 'CLIENT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT',
    // A topic that a typing error made would hide the error.
    'auto.create.topics.enable': 'false',
    // A broker alone has nobody to keep copies with, and few partitions start and recover sooner.
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '2',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'share.coordinator.state.topic.num.partitions': '1',
    // The first worker of a group would wait 3 s for others, and a lost one would be missed for 6 s at least.
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '500',
    // A broker that was killed may not come back before it counts as lost, after 9 s by default. Sooner, a busy machine makes it look lost.
    'broker.session.timeout.ms': '5000',
    'broker.heartbeat.interval.ms': '500',
    // 128 MiB by default, taken at the start.
    'log.cleaner.dedupe.buffer.size': '4194304',
    'log.cleaner.backoff.ms': '1000',
    'num.network.threads': '2',
    'num.io.threads': '4',
  }
}

/** The environment of a private Kafka: nothing of the machine's own is read. HOME tells whose process it is. */
export function kafkaEnvironment(env: NodeJS.ProcessEnv, folder: string): NodeJS.ProcessEnv {
  const foreign = /^(KAFKA_|JAVA_TOOL_OPTIONS$|_JAVA_OPTIONS$|JDK_JAVA_OPTIONS$|CLASSPATH$|HOME$|TIDEMILL_|NODE_)/
  return { ...Object.fromEntries(Object.entries(env).filter(([name]) => !foreign.test(name))), HOME: folder }
}

/** A cluster's id as Kafka writes it. Zero to begin with: the command line takes one that begins with `-` for an option. */
export function newClusterId(): string {
  return Buffer.concat([Buffer.alloc(1), randomBytes(15)]).toString('base64url')
}

/** Writes the configuration of a private Kafka into its folder. Returns where it lies. */
export function writeKafkaFiles(folder: string, ports: KafkaPorts): { properties: string; logging: string } {
  const properties = { ...kafkaProperties(ports, '127.0.0.1'), 'log.dirs': join(folder, 'data') }
  const logging = [
    '<Configuration>',
    '  <Appenders>',
    '    <Console name="out"><PatternLayout pattern="%d{ISO8601} %p %c{1}: %m%n"/></Console>',
    '  </Appenders>',
    '  <Loggers><Root level="INFO"><AppenderRef ref="out"/></Root></Loggers>',
    '</Configuration>',
  ]
  const paths = { properties: join(folder, 'server.properties'), logging: join(folder, 'log4j2.xml') }
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}`)
  writeFileSync(paths.properties, `${lines.join('\n')}\n`)
  writeFileSync(paths.logging, `${logging.join('\n')}\n`)
  mkdirSync(join(folder, 'tmp'))
  return paths
}
