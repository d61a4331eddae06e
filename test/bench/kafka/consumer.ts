import kafkajs, { type Consumer } from 'kafkajs'
import type { Task } from '../scenarios.ts'
import { hostsOf } from './topic.ts'

/** A consumer of kafkajs as its documentation has it, at the beginning of the task's topic. */
export async function consumerOf({ url, queue, group }: Task): Promise<Consumer> {
  const client = new kafkajs.Kafka({ clientId: 'bench', brokers: hostsOf(url), logLevel: kafkajs.logLevel.NOTHING })
  // With the default of five seconds the end of a run would be waiting.
  const consumer = client.consumer({ groupId: group ?? queue, maxWaitTimeInMs: 250 })
  await consumer.connect()
  await consumer.subscribe({ topics: [queue], fromBeginning: true })
  return consumer
}
