// A measure: the loop of kafkajs's documentation, a record after the other in each partition.
import { Meter, report } from '../meter.ts'
import { handlerOf, readTask } from '../scenarios.ts'
import { consumerOf } from './consumer.ts'

const task = readTask()
const meter = new Meter(task)
const handler = handlerOf(task.handler)

async function main(): Promise<void> {
  const consumer = await consumerOf(task)
  await consumer.run({
    partitionsConsumedConcurrently: 4,
    async eachMessage() {
      await handler()
      meter.tick()
    },
  })
  const measurement = await meter.finished
  await consumer.disconnect()
  report(measurement)
}

void main()
