// The hand-written loop, for comparison: bundled and started as `first-ack.ts` is.
import { type ConsumeMessage, connect } from 'amqplib'
import { readStartTask, tellIdleMemory, tellTime } from './start-task.ts'

const { url, queue, idleMs } = readStartTask()

async function main(): Promise<void> {
  const connection = await connect(url)
  const channel = await connection.createChannel()
  await channel.prefetch(10)
  // Named here, because the first job may come before the broker's answer does.
  const consumerTag = 'loop'
  const consume = async (message: ConsumeMessage | null) => {
    if (message === null) throw new Error('the broker cancelled the consumer')
    channel.ack(message)
    tellTime()
    await channel.cancel(consumerTag)
    await connection.close()
  }
  await channel.consume(queue, consume, { consumerTag })
  if (idleMs === undefined) return
  await tellIdleMemory(idleMs)
  await connection.close()
}

void main()
