import type { Broker, BrokerSettings, WorkerEvent } from '../../contracts.ts'
import { endpointOf } from './address.ts'
import { RabbitBacklog } from './backlog.ts'
import { RabbitSink } from './sink.ts'
import { RabbitSource } from './source.ts'
import { RabbitTopology } from './topology.ts'

/** RabbitMQ as the worker sees it. Nothing connects before it is used. Throws a `CONFIG` error where the URL is none. */
export function openRabbitMq(settings: BrokerSettings, observe: (event: WorkerEvent) => void): Broker {
  endpointOf(settings.brokerUrl)
  return {
    name: 'rabbitmq',
    features: { durable: true, countsDeliveries: true, ordersByKey: false, separatesInFlight: true },
    source: () => new RabbitSource(settings, observe),
    sink: () => new RabbitSink(settings, observe),
    backlog: () => new RabbitBacklog(settings),
    topology: () => new RabbitTopology(settings),
  }
}
