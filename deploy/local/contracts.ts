/** A RabbitMQ that runs on this machine for a demo or a test, or one that was given by its URL. */
export interface LocalBroker {
  readonly url: string
  /** `http://127.0.0.1:port`, without credentials: those of `url` hold there too. Undefined: not known. */
  readonly managementUrl: string | undefined
  readonly kind: 'given' | 'docker' | 'debian' | 'memory'
  /** The broker's own version; empty where it can't be known. */
  readonly version: string
  /** Stops the broker's application in good order and starts it again: connections are closed, durable queues stay. */
  restart(): Promise<void>
  /** Kills the broker's process with SIGKILL; `start` brings it back on the same ports, with its data. */
  kill(): Promise<void>
  /** Starts the broker after `kill`; resolves when it accepts connections. */
  start(): Promise<void>
  /** Runs rabbitmqctl against this broker and returns its output. Rejects when it fails. */
  rabbitmqctl(args: readonly string[]): Promise<string>
  /** What the broker logged so far. */
  logs(): Promise<string>
  /** Ends the broker and removes all that it left. Does nothing to a broker that was given. Idempotent. */
  stop(): Promise<void>
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
