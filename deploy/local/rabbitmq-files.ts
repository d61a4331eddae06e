import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface NodePorts {
  readonly amqp: number
  readonly management: number
  readonly distribution: number
  readonly epmd: number
}

/** The environment of a private node and of its tools: nothing of the machine's own RabbitMQ is read or touched. */
export function nodeEnvironment(env: NodeJS.ProcessEnv, folder: string, ports: NodePorts): NodeJS.ProcessEnv {
  const foreign = /^(RABBITMQ_|ERL_|ELIXIR_|HOME$|TIDEMILL_|NODE_)/
  return {
    ...Object.fromEntries(Object.entries(env).filter(([name]) => !foreign.test(name))),
    // The Erlang cookie lies in HOME; the user's own stays as it is.
    HOME: folder,
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `tidemill-${ports.amqp}@localhost`,
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_CTL_ERL_ARGS: '-start_epmd false',
    RABBITMQ_CONF_ENV_FILE: join(folder, 'env.conf'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_SCHEMA_DIR: join(folder, 'schema'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(folder, 'schema'),
    RABBITMQ_PID_FILE: join(folder, 'node.pid'),
    // The script then becomes the node itself, so that the process we started is the one to kill.
    RABBITMQ_ALLOW_INPUT: '1',
  }
}

/** Writes the configuration of a private node. */
export function writeNodeFiles(folder: string, ports: NodePorts): void {
  const files: Record<string, readonly string[]> = {
    'env.conf': [],
    enabled_plugins: ['[rabbitmq_management].'],
    'rabbitmq.conf': [
      `listeners.tcp.default = 127.0.0.1:${ports.amqp}`,
      'management.tcp.ip = 127.0.0.1',
      `management.tcp.port = ${ports.management}`,
      'collect_statistics_interval = 500',
      // The management plugin looks at most once per sample interval, and that is 5 s by default.
      ...['global', 'basic', 'detailed'].map((policy) => `management.sample_retention_policies.${policy}.minute = 1`),
      'log.console = true',
      'log.console.level = info',
      'log.file = false',
      // The default of 512 MiB is for servers: the log is kept in memory until it is full.
      'raft.wal_max_size_bytes = 67108864',
    ],
    // Without it a quorum queue's figures stay 5 s old. It has no name in rabbitmq.conf.
    'advanced.config': ['[{rabbit, [{quorum_tick_interval, 500}]}].'],
  }
  for (const [name, lines] of Object.entries(files)) writeFileSync(join(folder, name), `${lines.join('\n')}\n`)
  writeFileSync(join(folder, '.erlang.cookie'), randomBytes(16).toString('hex'), { mode: 0o400 })
}
