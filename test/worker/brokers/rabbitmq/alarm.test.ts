import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openRabbitMq } from '../../../../worker/brokers/rabbitmq/index.ts'
import type { WorkerEvent } from '../../../../worker/contracts.ts'
import { ACK, DEAD, deferrer, eventually, Feed, jobOf, send, withCode, within } from '../../../conformance/harness.ts'
import { ownBroker } from '../../../helpers/broker.ts'
import { queueFor } from '../../../helpers/queue.ts'

test('under an alarm sends are BLOCKED, acks pass, dead letters hold their jobs; its end heals all, and nothing is stored twice', async (t) => {
  const local = await ownBroker(t)
  const { settings } = await queueFor(t, local, { blockedTimeoutMs: 300, confirmTimeoutMs: 500, concurrency: 4 })
  const events: WorkerEvent[] = []
  const broker = openRabbitMq({ ...settings, managementUrl: undefined }, (event) => events.push(event))
  const told = (name: WorkerEvent['name']) => events.filter((event) => event.name === name)
  const room = { broker, settings, events, defer: deferrer(t) } as unknown as ConstructorParameters<typeof Feed>[0]
  await send(room, 'a', 'b', 'c', 'd')
  const feed = new Feed(room)
  const [a, b, c, d] = await feed.take(4)
  const sink = broker.sink()
  t.after(() => sink.close())
  await sink.send(jobOf('e'))

  await local.rabbitmqctl(['set_vm_memory_high_watermark', '0.00001'])
  // Nobody is told of the alarm before having tried to publish.
  await eventually(
    'a refusal',
    () =>
      sink.send(jobOf('f')).then(
        () => 'sent',
        (error) => error.code,
      ),
    (code) => code === 'BLOCKED',
  )
  await assert.rejects(sink.send(jobOf('g')), withCode('BLOCKED'))
  const settling = b!.settle(DEAD)
  await eventually('the job to be held', () => told('held').length, Boolean)
  assert.equal(await a!.settle(ACK), true)
  const ready = async () => (await local.rabbitmqctl(['-q', 'list_queues', 'name', 'messages_ready'])).split('\n')
  await eventually('the ack to be taken, which lets the last job come', ready, (rows) =>
    rows.includes(`${settings.queue}\t0`),
  )
  const backlog = broker.backlog()
  room.defer(() => backlog.close())
  await local.rabbitmqctl(['set_vm_memory_high_watermark', '0.8'])
  assert.equal(await within('the dead letter', settling), true)
  await eventually(
    'the end of the alarm',
    () => told('blocked').some((event) => 'blocked' in event && !event.blocked),
    Boolean,
  )

  for (const delivery of [c!, d!]) assert.equal(await delivery.settle(ACK), true)
  assert.equal((await feed.next()).message.id, 'e')
  await sink.send(jobOf('h'))
  await eventually(
    'one dead letter',
    () => backlog.read().catch(() => undefined),
    (reading) => reading?.dead === 1,
  )
})
