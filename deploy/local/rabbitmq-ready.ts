import { accepts } from './ports.ts'

/** Where a RabbitMQ answers on this machine. */
export interface Doors {
  readonly amqp: number
  readonly management: number
}

/** Asks whether RabbitMQ accepts AMQP and its management answers: its version then, undefined otherwise. */
export async function askRabbitmq({ amqp, management }: Doors): Promise<string | undefined> {
  return (await accepts(amqp)) ? versionOf(management) : undefined
}

async function versionOf(port: number): Promise<string | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/api/overview`, {
      headers: { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}` },
      signal: AbortSignal.timeout(2_000),
    })
    if (!response.ok) {
      await response.body?.cancel()
      return undefined
    }
    const overview = (await response.json()) as { rabbitmq_version?: unknown }
    return typeof overview.rabbitmq_version === 'string' ? overview.rabbitmq_version : undefined
  } catch {
    return undefined
  }
}
