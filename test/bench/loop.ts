// The measure: the loop that people write by hand. It does the least that is correct: it does not even parse the body.
import { connect } from 'amqplib'
import { Meter, report } from './meter.ts'
import { handlerOf, readTask } from './scenarios.ts'

const task = readTask()
const meter = new Meter(task)
const handler = handlerOf(task.handler)

async function main(): Promise<void> {
  const connection = await connect(task.url)
  connection.on('error', (error) => {
    throw error
  })
  const channel = await connection.createChannel()
  await channel.prefetch(task.concurrency)
  const { consumerTag } = await channel.consume(task.queue, async (message) => {
    if (message === null) throw new Error('the broker cancelled the consumer')
    await handler()
    channel.ack(message)
    meter.tick()
  })

  const measurement = await meter.finished
  // In this order no acknowledgement is lost: the reply to the cancel comes after all that was sent before it.
  await channel.cancel(consumerTag)
  await channel.close()
  await connection.close()
  report(measurement)
}

void main()
