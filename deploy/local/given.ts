import amqp from 'amqplib'
import { messageOf, TidemillError } from '../../worker/errors.ts'
import type { LocalBroker, LocalKafka, LocalRabbitmq } from './contracts.ts'
import { askKafka } from './kafka-ready.ts'

const CONNECT_TIMEOUT_MS = 10_000

/** A RabbitMQ that somebody else runs, used as it is: it can't be restarted or killed from here. Rejects with `NO_BROKER` when it does not answer. */
export async function useGivenRabbitmq(url: string, managementUrl: string | undefined): Promise<LocalRabbitmq> {
  const version = await versionOf(url)
  const rabbitmqctl = refuse('given', 'administer')
  return { protocol: 'rabbitmq', kind: 'given', url, managementUrl, version, ...unmanaged('given'), rabbitmqctl }
}

/** A Kafka that somebody else runs, used as it is. It tells nobody its version. Rejects with `NO_BROKER` when it does not answer. */
export async function useGivenKafka(url: string): Promise<LocalKafka> {
  await askKafka(url, CONNECT_TIMEOUT_MS)
  const known = { url, managementUrl: undefined, version: '', proxied: undefined }
  return { protocol: 'kafka', kind: 'given', ...known, ...unmanaged('given') }
}

/** The in-process broker behind the shape of a local one. */
export function useMemory(): LocalBroker {
  const known = { url: 'memory:', managementUrl: undefined, version: '' }
  return { protocol: 'memory', kind: 'memory', ...known, ...unmanaged('memory') }
}

function unmanaged(kind: 'given' | 'memory') {
  return {
    restart: refuse(kind, 'restart'),
    kill: refuse(kind, 'kill'),
    start: refuse(kind, 'start'),
    logs: async () => '',
    stop: async () => undefined,
  }
}

function refuse(kind: 'given' | 'memory', what: string): () => Promise<never> {
  return async () => {
    throw new TidemillError('ILLEGAL_STATE', `can't ${what} a broker that tidemill did not start (${kind})`)
  }
}

async function versionOf(url: string): Promise<string> {
  try {
    const connection = await amqp.connect(url, { timeout: CONNECT_TIMEOUT_MS })
    connection.on('error', () => undefined)
    const { version } = connection.connection.serverProperties
    await connection.close()
    return version
  } catch (error) {
    const { protocol, host } = new URL(url)
    throw new TidemillError('NO_BROKER', `the broker at ${protocol}//${host} does not answer: ${messageOf(error)}`, {
      cause: error,
    })
  }
}
