// A measure: the loop that people write when that is too slow: a batch at a time, so many jobs at once in whatever order.
import { Meter, report } from '../meter.ts'
import { handlerOf, readTask } from '../scenarios.ts'
import { consumerOf } from './consumer.ts'

const task = readTask()
const meter = new Meter(task)
const handler = handlerOf(task.handler)

async function main(): Promise<void> {
  const consumer = await consumerOf(task)
  await consumer.run({
    // All partitions share the concurrency, as in a pool of their own.
    partitionsConsumedConcurrently: 4,
    eachBatchAutoResolve: true,
    async eachBatch({ batch, heartbeat, commitOffsetsIfNecessary }) {
      const { messages } = batch
      let next = 0
      const work = async (): Promise<void> => {
        while (next < messages.length) {
          next++
          await handler()
          meter.tick()
        }
      }
      await Promise.all(Array.from({ length: Math.ceil(task.concurrency / 4) }, work))
      await heartbeat()
      await commitOffsetsIfNecessary()
    },
  })
  const measurement = await meter.finished
  await consumer.disconnect()
  report(measurement)
}

void main()
