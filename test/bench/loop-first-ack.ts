// The hand-written loop, for comparison: bundled and started as `first-ack.ts` is.
import { connect } from 'amqplib'
import { readStartTask, tellIdleMemory, tellTime } from './start-task.ts'

const { url, queue, idleMs } = readStartTask()

async function main(): Promise<void> {
  const connection = await connect(url)
  const channel = await connection.createChannel()
  await channel.prefetch(10)
  const { consumerTag } = await channel.consume(queue, async (message) => {
    if (message === null) throw new Error('the broker cancelled the consumer')
    channel.ack(message)
    tellTime()
    await channel.cancel(consumerTag)
    await connection.close()
  })
  if (idleMs === undefined) return
  await tellIdleMemory(idleMs)
  await connection.close()
}

void main()
