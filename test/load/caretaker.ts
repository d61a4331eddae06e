import { KafkaMessage } from '../../worker/brokers/kafka/message.ts'
import { topicsOf } from '../../worker/brokers/kafka/names.ts'
import { memoryBroker } from '../../worker/brokers/memory/index.ts'
import { dial } from '../../worker/brokers/rabbitmq/dial.ts'
import { namesOf } from '../../worker/brokers/rabbitmq/names.ts'
import type { Broker, BrokerSettings, TopologyItem } from '../../worker/contracts.ts'
import type { KafkaHands } from './kafka-hands.ts'

/** What a load does to a broker beyond what a worker can. */
export interface Caretaker {
  /** The ids of the dead letters, which stay where they are. */
  deadIds(): Promise<string[]>
  /** Removes what a topology declared. */
  remove(items: readonly TopologyItem[]): Promise<void>
}

/** The caretaker of a broker: the only switch on its name. */
export function caretakerOf({ name }: Broker, settings: BrokerSettings): Caretaker {
  switch (name) {
    case 'rabbitmq':
      return rabbitmq(settings)
    case 'memory':
      return memory(settings)
    case 'kafka':
      return kafka(settings)
    default:
      throw new Error(`expected rabbitmq, kafka or memory, got ${name}`)
  }
}

function rabbitmq(settings: BrokerSettings): Caretaker {
  return {
    async deadIds() {
      const line = await dial(settings)
      try {
        const channel = await line.model.createChannel()
        const ids: string[] = []
        for (;;) {
          // Not acknowledged: they go back when the channel closes.
          const letter = await channel.get(namesOf(settings.queue).dead)
          if (letter === false) break
          ids.push(String(letter.properties.messageId))
        }
        await channel.close()
        return ids
      } finally {
        await line.close(settings.closeTimeoutMs)
      }
    },
    async remove(items) {
      const line = await dial(settings)
      try {
        const channel = await line.model.createChannel()
        for (const { kind, name } of items) {
          if (kind === 'queue') await channel.deleteQueue(name)
          if (kind === 'exchange') await channel.deleteExchange(name)
        }
        await channel.close()
      } finally {
        await line.close(settings.closeTimeoutMs)
      }
    },
  }
}

function kafka(settings: BrokerSettings): Caretaker {
  async function handled<T>(work: (hands: KafkaHands) => Promise<T>): Promise<T> {
    const { KafkaHands } = await import('./kafka-hands.ts')
    const hands = await KafkaHands.open(settings)
    try {
      return await work(hands)
    } finally {
      await hands.close()
    }
  }
  return {
    deadIds: () =>
      handled(async (hands) => {
        const letters = await hands.read(topicsOf(settings.queue, []).dead)
        return letters.map((letter) => new KafkaMessage(letter, '', 0, settings, false).id)
      }),
    remove: (items) =>
      handled((hands) => hands.delete(items.flatMap(({ kind, name }) => (kind === 'topic' ? [name] : [])))),
  }
}

function memory({ brokerUrl, queue }: BrokerSettings): Caretaker {
  const broker = memoryBroker(new URL(brokerUrl).hostname)
  return {
    deadIds: async () => broker.dead(queue).map(({ messageId }) => messageId ?? ''),
    remove: async () => broker.clear(),
  }
}
