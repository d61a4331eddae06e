import type { Broker, BrokerSettings, WorkerEvent } from '../../contracts.ts'
import { addressOf } from './address.ts'
import { KafkaBacklog } from './backlog.ts'
import { KafkaSink } from './sink.ts'
import { KafkaSource } from './source.ts'
import { KafkaTopology } from './topology.ts'

/** Kafka as the worker sees it. Nothing connects before it is used. Throws a `CONFIG` error where the URL is none. */
export function openKafka(settings: BrokerSettings, observe: (event: WorkerEvent) => void): Broker {
  addressOf(settings)
  return {
    name: 'kafka',
    features: {
      durable: true,
      countsDeliveries: true,
      ordersByKey: settings.order !== 'none',
      separatesInFlight: false,
    },
    source: () => new KafkaSource(settings, observe),
    sink: () => new KafkaSink(settings, observe),
    backlog: () => new KafkaBacklog(settings),
    topology: () => new KafkaTopology(settings),
  }
}
