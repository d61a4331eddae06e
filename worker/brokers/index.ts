import type { Broker, BrokerSettings, WorkerEvent } from '../contracts.ts'
import { TidemillError } from '../errors.ts'

/** Opens the broker that the URL names; its room is loaded only then. This is the only switch on a broker's name. */
export async function openBroker(settings: BrokerSettings, observe: (event: WorkerEvent) => void): Promise<Broker> {
  const scheme = settings.brokerUrl.slice(0, settings.brokerUrl.indexOf(':')).toLowerCase()
  switch (scheme) {
    case 'amqp':
    case 'amqps':
      return (await import('./rabbitmq/index.ts')).openRabbitMq(settings, observe)
    case 'kafka':
    case 'kafkas':
      return (await import('./kafka/index.ts')).openKafka(settings, observe)
    case 'memory':
      return (await import('./memory/index.ts')).openMemory(settings, observe)
    default:
      throw new TidemillError(
        'NO_BROKER',
        `expected a URL with amqp:, amqps:, kafka:, kafkas: or memory:, got ${scheme.slice(0, 20)}:`,
      )
  }
}
