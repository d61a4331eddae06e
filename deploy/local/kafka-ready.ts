import type { Admin } from 'kafkajs'
import { openClient } from '../../worker/brokers/kafka/client.ts'
import { resolveBrokerSettings } from '../../worker/config.ts'
import { messageOf, TidemillError } from '../../worker/errors.ts'

/** Of a broker on this machine. */
const ASK_TIMEOUT_MS = 2_000

/** Asks a Kafka who its brokers are. Rejects with `NO_BROKER` when it does not answer, or has none yet. */
export async function askKafka(url: string, timeoutMs: number): Promise<void> {
  await ask(url, timeoutMs, async (admin) => {
    const { brokers } = await admin.describeCluster()
    if (brokers.length === 0) throw new TidemillError('NO_BROKER', 'it has no brokers')
  })
}

/**
 * Whether a Kafka that was just started is ready for its first topic and its first group, as a question for `untilReady`:
 * it makes the topic of its groups' offsets only when somebody asks for a group, and then has to load it.
 */
export function isKafkaReady(url: string): Promise<true | undefined> {
  const asked = ask(url, ASK_TIMEOUT_MS, async (admin) => {
    await admin.describeGroups(['none'])
    await admin.listGroups()
  })
  return asked.then(
    () => true,
    () => undefined,
  )
}

async function ask(url: string, timeoutMs: number, question: (admin: Admin) => Promise<void>): Promise<void> {
  const client = openClient(resolveBrokerSettings({ brokerUrl: url, queue: 'none', connectTimeoutMs: timeoutMs }))
  const admin = client.admin({ retry: { retries: 0 } })
  // kafkajs waits half a minute for an answer, and on some ways for ever.
  const timer = setTimeout(() => client.destroy(), timeoutMs)
  try {
    await admin.connect()
    await question(admin)
  } catch (cause) {
    throw new TidemillError('NO_BROKER', `the Kafka at ${client.peer} does not answer: ${messageOf(cause)}`, { cause })
  } finally {
    clearTimeout(timer)
    await admin.disconnect().catch(() => undefined)
    client.destroy()
  }
}

/** The version that Kafka writes into its log when it starts; empty where the log does not tell. */
export function kafkaVersionIn(log: string): string {
  return /Kafka version: (\S+)/.exec(log)?.[1] ?? ''
}
