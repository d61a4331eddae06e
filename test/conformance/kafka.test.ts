import { openBroker } from '../../worker/brokers/index.ts'
import type { Header } from '../../worker/brokers/kafka/headers.ts'
import { viewOf } from '../../worker/brokers/kafka/headers.ts'
import type { LogRecord } from '../../worker/brokers/kafka/record.ts'
import type { BrokerSettings, WorkerEvent } from '../../worker/contracts.ts'
import { sharedKafka } from '../helpers/kafka.ts'
import { uniqueName } from '../helpers/queue.ts'
import { KafkaHands } from '../load/kafka-hands.ts'
import { deferrer, type Harness, type RawMessage, SETTINGS } from './harness.ts'
import { conformance } from './source-suite.ts'

const kafka: Harness = {
  features: { durable: true, countsDeliveries: true, ordersByKey: true, separatesInFlight: false },
  async open(t, overrides = {}, { topology } = { topology: true }) {
    const { url } = await sharedKafka()
    const defer = deferrer(t)
    const queue = uniqueName('conformance')
    const settings = { ...SETTINGS, replicationFactor: 1, brokerUrl: url, queue, ...overrides }
    const events: WorkerEvent[] = []
    const broker = await openBroker(settings, (event) => events.push(event))
    const hands = await KafkaHands.open(settings)
    defer(() => hands.remove())
    if (topology) await broker.topology().apply()
    return {
      broker,
      settings,
      events,
      publish: (message) => hands.publish(recordOf(message, settings)),
      dead: async () => (await hands.read(`${queue}.dead`)).map((record) => messageOf(record, settings)),
      breakConnection: () => hands.expelAll(),
      defer,
    }
  },
}

conformance('the Kafka broker', kafka)

/** What other brokers have as properties are headers here, and the key is the record's own. */
function recordOf(message: RawMessage, { queue, typeHeader }: BrokerSettings) {
  const { messageId, type, contentType, contentEncoding, headers, body } = message
  const all: (readonly [string, unknown])[] = [
    ...Object.keys(headers).map((name) => [name, headers[name]] as const),
    ['tidemill-id', messageId],
    [typeHeader, type],
    ['content-type', contentType],
    ['content-encoding', contentEncoding],
  ]
  const list = all.filter(([, value]) => value !== undefined)
  const key = Object.hasOwn(headers, 'tidemill-key') ? Buffer.from(String(headers['tidemill-key'])) : null
  return {
    topic: queue,
    key,
    value: Buffer.from(body),
    headers: list.map(([name, value]): Header => [name, Buffer.from(String(value))]),
  }
}

function messageOf({ headers: list, value }: LogRecord, { typeHeader }: BrokerSettings): RawMessage {
  const {
    'tidemill-id': messageId,
    [typeHeader]: type,
    'content-type': contentType,
    'content-encoding': contentEncoding,
    ...headers
  } = viewOf(list)
  return { messageId, type, contentType, contentEncoding, headers, body: value ?? new Uint8Array() }
}
