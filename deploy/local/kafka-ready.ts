import kafkajs from 'kafkajs'

const ASK_TIMEOUT_MS = 2_000

/** Asks whether Kafka tells of a broker in charge: true then, undefined otherwise. */
export async function askKafka(port: number): Promise<true | undefined> {
  const kafka = new kafkajs.Kafka({
    clientId: 'tidemill-local',
    brokers: [`127.0.0.1:${port}`],
    connectionTimeout: ASK_TIMEOUT_MS,
    requestTimeout: ASK_TIMEOUT_MS,
    retry: { retries: 0 },
    logLevel: kafkajs.logLevel.NOTHING,
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    const { brokers } = await admin.describeCluster()
    return brokers.length > 0 || undefined
  } catch {
    return undefined
  } finally {
    await admin.disconnect().catch(() => undefined)
  }
}

/** The version that Kafka writes into its log when it starts; empty where the log does not tell. */
export function kafkaVersionIn(log: string): string {
  return /Kafka version: (\S+)/.exec(log)?.[1] ?? ''
}
