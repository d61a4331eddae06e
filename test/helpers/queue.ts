import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import amqp, { type ChannelModel } from 'amqplib'
import { openBroker } from '../../worker/brokers/index.ts'
import { resolveBrokerSettings } from '../../worker/config.ts'
import type { BrokerSettings } from '../../worker/contracts.ts'

/** A queue of a test's own on a real broker, with all that belongs to it. */
export interface TestQueue {
  readonly queue: string
  /** Its connection's settings, defaults and all. */
  readonly settings: BrokerSettings
  /** A connection for what the test does to it by hand; closed with the test. */
  readonly connection: ChannelModel
  /** The names of the queues of its topology: work, suspects, retries, dead. */
  readonly queues: readonly string[]
}

/** A queue name that nobody else uses. */
export function uniqueName(stem = 'test'): string {
  return `${stem}-${process.pid}-${randomBytes(4).toString('hex')}`
}

/** Makes a queue with its topology; all of it is deleted with `t.after`. */
export async function queueFor(
  t: TestContext,
  broker: { readonly url: string; readonly managementUrl?: string | undefined },
  overrides: Partial<BrokerSettings> = {},
): Promise<TestQueue> {
  const settings = resolveBrokerSettings({
    queue: uniqueName(),
    retryLadderMs: [200, 1_000],
    ...(broker.managementUrl !== undefined && { managementUrl: broker.managementUrl }),
    ...overrides,
    brokerUrl: broker.url,
  })
  const connection = await openConnection(t, broker.url)
  const topology = (await openBroker(settings, () => undefined)).topology()
  const items = await topology.apply()
  await topology.close()
  const queues = items.filter((item) => item.kind === 'queue').map((item) => item.name)
  const exchanges = items.filter((item) => item.kind === 'exchange').map((item) => item.name)
  t.after(() => remove(broker.url, queues, exchanges))
  return { queue: settings.queue, settings, connection, queues }
}

/** A connection that is closed with `t.after`, and whose loss is no error: faults are what these tests are for. */
export async function openConnection(t: TestContext, url: string): Promise<ChannelModel> {
  const connection = await amqp.connect(url, { timeout: 10_000 })
  let open = true
  connection.on('error', () => undefined)
  connection.on('close', () => {
    open = false
  })
  t.after(async () => {
    if (open) await connection.close().catch(() => undefined)
  })
  return connection
}

/** Through a connection of its own: the test may have broken the one that it had. */
async function remove(url: string, queues: readonly string[], exchanges: readonly string[]): Promise<void> {
  let connection: ChannelModel
  try {
    connection = await amqp.connect(url, { timeout: 5_000 })
  } catch {
    // A test of its own broker may have left it dead; its data go with it.
    return
  }
  connection.on('error', () => undefined)
  const channel = await connection.createChannel()
  channel.on('error', () => undefined)
  for (const name of queues) await channel.deleteQueue(name)
  for (const name of exchanges) await channel.deleteExchange(name)
  await channel.close()
  await connection.close()
}
