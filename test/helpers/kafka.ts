import type { TestContext } from 'node:test'
import { startKafka } from '../../deploy/local/broker.ts'
import type { LocalKafka } from '../../deploy/local/contracts.ts'
import { FaultProxy, type Listener } from '../load/proxy.ts'

/** How the runner of the tests tells the files which Kafka it started. */
export const SHARED_KAFKA_URL = 'TEST_KAFKA_URL'
export const SHARED_KAFKA_VERSION = 'TEST_KAFKA_VERSION'

/** A real Kafka that others use as well: nothing of it may be broken but what a test made itself. */
export interface SharedKafka {
  readonly url: string
  readonly version: string
}

let started: Promise<LocalKafka> | undefined

/** The Kafka that the runner started; for a test file run alone, one that ends with its process. */
export async function sharedKafka(): Promise<SharedKafka> {
  const url = process.env[SHARED_KAFKA_URL]
  if (url) return { url, version: process.env[SHARED_KAFKA_VERSION] ?? '' }
  started ??= startKafka({ log: (line) => process.stderr.write(`${line}\n`) })
  return started
}

/** A Kafka of the test's own, which it may restart and kill. Stopped with `t.after`. */
export async function ownKafka(t: TestContext): Promise<LocalKafka> {
  const kafka = await startKafka({ private: true })
  t.after(() => kafka.stop())
  return kafka
}

/** A test, or a file with node:test's own `after`. */
export interface Undone {
  after(undo: () => unknown): void
}

/**
 * A Kafka of the test's own, or of a file's, behind a proxy that can fail, and that `listen` may listen in on, as in `FaultProxy.start`.
 * `url` leads through the proxy, and so does every connection that follows from it.
 */
export async function proxiedKafka(
  t: Undone,
  listen?: () => Listener,
): Promise<{ kafka: LocalKafka; proxy: FaultProxy; url: string }> {
  const kafka = await startKafka({ private: true, proxied: true })
  t.after(() => kafka.stop())
  const { port, advertisedPort } = kafka.proxied!
  const proxy = await FaultProxy.start(`kafka://127.0.0.1:${port}`, advertisedPort, listen)
  t.after(() => proxy.close())
  return { kafka, proxy, url: proxy.through(kafka.url) }
}
