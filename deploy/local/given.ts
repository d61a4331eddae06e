import amqp from 'amqplib'
import { messageOf, TidemillError } from '../../worker/errors.ts'
import type { LocalBroker } from './contracts.ts'

const CONNECT_TIMEOUT_MS = 10_000

/** A broker that somebody else runs, used as it is: it can't be restarted or killed from here. Rejects with `NO_BROKER` when it does not answer. */
export async function useGiven(url: string, managementUrl: string | undefined): Promise<LocalBroker> {
  return unmanaged('given', url, managementUrl, url.startsWith('amqp') ? await versionOf(url) : '')
}

/** The in-process broker behind the shape of a local one. */
export function useMemory(): LocalBroker {
  return unmanaged('memory', 'memory:', undefined, '')
}

function unmanaged(
  kind: 'given' | 'memory',
  url: string,
  managementUrl: string | undefined,
  version: string,
): LocalBroker {
  const refuse = (what: string) => async () => {
    throw new TidemillError('ILLEGAL_STATE', `can't ${what} a broker that tidemill did not start (${kind})`)
  }
  return {
    kind,
    url,
    managementUrl,
    version,
    restart: refuse('restart'),
    kill: refuse('kill'),
    start: refuse('start'),
    rabbitmqctl: refuse('administer'),
    logs: async () => '',
    stop: async () => undefined,
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
