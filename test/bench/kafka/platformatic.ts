// A measure: @platformatic/kafka's stream, so many records at once in whatever order.
import { Consumer, MessagesStreamModes } from '@platformatic/kafka'
import { Meter, report } from '../meter.ts'
import { handlerOf, readTask } from '../scenarios.ts'
import { hostsOf } from './topic.ts'

const task = readTask()
const meter = new Meter(task)
const handler = handlerOf(task.handler)

async function main(): Promise<void> {
  const consumer = new Consumer({
    clientId: 'bench',
    groupId: task.group ?? task.queue,
    bootstrapBrokers: hostsOf(task.url),
    maxWaitTime: 250,
  })
  const stream = await consumer.consume({
    topics: [task.queue],
    mode: MessagesStreamModes.EARLIEST,
    autocommit: true,
  })
  const records = stream[Symbol.asyncIterator]()
  const work = async (): Promise<void> => {
    for (let pulled = await records.next(); !pulled.done; pulled = await records.next()) {
      await handler()
      meter.tick()
    }
  }
  const slots = task.handler === 'no-op' ? 1 : task.concurrency
  for (let slot = 0; slot < slots; slot++) void work().catch(() => undefined)
  const measurement = await meter.finished
  report(measurement)
  await consumer.close(true)
}

void main()
