/** What brokers tidemill can get on this machine; the memory broker lives in the process itself. */
export type Protocol = 'rabbitmq' | 'kafka' | 'memory'

/** What a broker gets to end in good order, before it is killed. */
export const SHUTDOWN_MS = 30_000

/** A broker that runs on this machine for a demo or a test, or one that was given by its URL. */
export interface LocalBroker {
  readonly protocol: Protocol
  readonly url: string
  /** RabbitMQ: `http://127.0.0.1:port`, without credentials: those of `url` hold there too. Undefined: there is none, or it is not known. */
  readonly managementUrl: string | undefined
  readonly kind: 'given' | 'docker' | 'debian' | 'maven' | 'memory'
  /** The broker's own version; empty where it can't be known. */
  readonly version: string
  /** Ends the broker in good order and starts it again: connections are closed, durable data stay. */
  restart(): Promise<void>
  /** Kills the broker's process with SIGKILL; `start` brings it back on the same ports, with its data. */
  kill(): Promise<void>
  /** Starts the broker after `kill`; resolves when it accepts connections. */
  start(): Promise<void>
  /** What the broker logged so far. */
  logs(): Promise<string>
  /** Ends the broker and removes all that it left. Does nothing to a broker that was given. Idempotent. */
  stop(): Promise<void>
}

export interface LocalRabbitmq extends LocalBroker {
  readonly protocol: 'rabbitmq'
  /** Runs rabbitmqctl against this broker and returns its output. Rejects when it fails. */
  rabbitmqctl(args: readonly string[]): Promise<string>
}

export interface LocalKafka extends LocalBroker {
  readonly protocol: 'kafka'
  /** The second listener, where one was asked for. */
  readonly proxied: ProxiedListener | undefined
}

/**
 * A listener of Kafka for a proxy before it. Whoever comes in by it is told to connect to `advertisedPort`, where nothing listens
 * until a proxy does: without that, a client would leave the proxy with its second connection.
 */
export interface ProxiedListener {
  /** Where Kafka listens. */
  readonly port: number
  /** Where Kafka sends its clients. */
  readonly advertisedPort: number
}

/** What a way of getting a broker is told. */
export interface WayOptions {
  /** Whether packages may be installed. */
  readonly install: boolean
  /** Told, line by line, what happens. */
  readonly log: (line: string) => void
  readonly env: NodeJS.ProcessEnv
}

/** A way that can't be gone, and why: the next one is tried. */
export interface NoWay {
  readonly refused: string
}

/** Whether a way was closed. */
export function isNoWay(found: object): found is NoWay {
  return 'refused' in found
}
