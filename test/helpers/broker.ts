import type { TestContext } from 'node:test'
import { startRabbitmq } from '../../deploy/local/broker.ts'
import type { LocalRabbitmq } from '../../deploy/local/contracts.ts'

/** How the runner of the tests tells the files which broker it started. The names are not tidemill's: a worker refuses those it does not know. */
export const SHARED_URL = 'TEST_BROKER_URL'
export const SHARED_MANAGEMENT_URL = 'TEST_BROKER_MANAGEMENT_URL'
export const SHARED_VERSION = 'TEST_BROKER_VERSION'

/** A real RabbitMQ that others use as well: nothing of it may be broken but what a test made itself. */
export interface SharedBroker {
  readonly url: string
  readonly managementUrl: string | undefined
  readonly version: string
}

let started: Promise<LocalRabbitmq> | undefined

/** The broker that the runner started; for a test file run alone, one that ends with its process. */
export async function sharedBroker(): Promise<SharedBroker> {
  const url = process.env[SHARED_URL]
  if (url) {
    return { url, managementUrl: process.env[SHARED_MANAGEMENT_URL], version: process.env[SHARED_VERSION] ?? '' }
  }
  started ??= startRabbitmq({ log: (line) => process.stderr.write(`${line}\n`) })
  return started
}

/** A RabbitMQ of the test's own, which it may restart and kill. Stopped with `t.after`. */
export async function ownBroker(t: TestContext): Promise<LocalRabbitmq> {
  const broker = await startRabbitmq({ private: true })
  t.after(() => broker.stop())
  return broker
}
