import { openClient } from '../../worker/brokers/kafka/client.ts'
import { resolveBrokerSettings } from '../../worker/config.ts'
import { messageOf, TidemillError } from '../../worker/errors.ts'

/** Of a broker on this machine. */
const ASK_TIMEOUT_MS = 2_000

/** Asks a Kafka who its brokers are. Rejects with `NO_BROKER` when it does not answer, or has none yet. */
export async function askKafka(url: string, timeoutMs: number): Promise<void> {
  const client = openClient(resolveBrokerSettings({ brokerUrl: url, queue: 'none', connectTimeoutMs: timeoutMs }))
  const admin = client.admin({ retry: { retries: 0 } })
  // kafkajs waits half a minute for an answer, and on some ways for ever.
  const timer = setTimeout(() => client.destroy(), timeoutMs)
  try {
    await admin.connect()
    const { brokers } = await admin.describeCluster()
    if (brokers.length === 0) throw new TidemillError('NO_BROKER', 'it has no brokers')
  } catch (cause) {
    throw new TidemillError('NO_BROKER', `the Kafka at ${client.peer} does not answer: ${messageOf(cause)}`, { cause })
  } finally {
    clearTimeout(timer)
    await admin.disconnect().catch(() => undefined)
    client.destroy()
  }
}

/** The same as a question for `untilReady`. */
export function isAnswered(url: string): Promise<true | undefined> {
  return askKafka(url, ASK_TIMEOUT_MS).then(
    () => true,
    () => undefined,
  )
}

/** The version that Kafka writes into its log when it starts; empty where the log does not tell. */
export function kafkaVersionIn(log: string): string {
  return /Kafka version: (\S+)/.exec(log)?.[1] ?? ''
}
