import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Message as RawMessage } from 'amqplib'
import type { Copy } from '../../../../worker/brokers/rabbitmq/copy.ts'
import { markReturned, type Returnable } from '../../../../worker/brokers/rabbitmq/publish-errors.ts'
import { Publisher } from '../../../../worker/brokers/rabbitmq/publisher.ts'
import type { BrokerSettings, WorkerEvent } from '../../../../worker/contracts.ts'
import { eventually, expectBacklog, jobOf, withCode, within } from '../../../conformance/harness.ts'
import { sharedBroker } from '../../../helpers/broker.ts'
import { FaultProxy } from '../../../load/proxy.ts'
import { type RabbitRoom, roomFor } from './room.ts'

function publisherFor(
  t: TestContext,
  settings: BrokerSettings,
  patienceMs = 5_000,
): { publisher: Publisher; events: WorkerEvent[] } {
  const events: WorkerEvent[] = []
  const publisher = new Publisher({ settings, observe: (event) => events.push(event), patienceMs })
  t.after(() => publisher.close(1_000))
  return { publisher, events }
}

function copyTo({ names }: RabbitRoom, over: Partial<Copy> = {}, messageId?: string): Copy {
  const options = { mandatory: true, persistent: true, ...(messageId === undefined ? {} : { messageId }) }
  return { exchange: names.workExchange, routingKey: names.queue, body: Buffer.from('{}'), options, ...over }
}

async function proxied(
  t: TestContext,
  overrides: Partial<BrokerSettings>,
): Promise<{ room: RabbitRoom; proxy: FaultProxy }> {
  const { url } = await sharedBroker()
  const proxy = await FaultProxy.start(url)
  t.after(() => proxy.close())
  return { proxy, room: await roomFor(t, overrides, (direct) => proxy.through(direct)) }
}

test('thousands of messages published at once are confirmed, in order, more than fit into the window', async (t) => {
  const room = await roomFor(t)
  const { publisher } = publisherFor(t, room.settings)
  const copies = Array.from({ length: 5_000 }, (_, id) => copyTo(room, {}, `m-${id}`))
  await within('the confirms', Promise.all(copies.map((copy) => publisher.publish(copy))))
  await expectBacklog(room, { ready: 5_000 })
  const first = await room.channel.get(room.names.queue, { noAck: true })
  assert.ok(first)
  assert.equal(first.properties.messageId, 'm-0')
})

test('what no queue takes is UNROUTABLE, and only that', async (t) => {
  const room = await roomFor(t)
  const { publisher } = publisherFor(t, room.settings)
  const results = await Promise.allSettled([
    publisher.publish(copyTo(room, {}, 'a')),
    publisher.publish(copyTo(room, { routingKey: 'nowhere' }, 'a')),
    publisher.publish(copyTo(room, {}, 'b')),
    publisher.publish(copyTo(room, { routingKey: 'nowhere' })),
  ])
  assert.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? 'ok' : result.reason.code)),
    ['ok', 'UNROUTABLE', 'ok', 'UNROUTABLE'],
  )
  await expectBacklog(room, { ready: 2 })
})

test('of messages that look alike all count as returned, so that none is taken for routed that was not', () => {
  const pendingOf = (routingKey: string, messageId: string): Returnable => ({
    copy: { exchange: 'x', routingKey, body: Buffer.alloc(0), options: { messageId } },
    returned: undefined,
  })
  // Which of the twins was returned can't be known: the confirm of the first may be late.
  const all = [pendingOf('key', 'twin'), pendingOf('key', 'other'), pendingOf('else', 'twin'), pendingOf('key', 'twin')]
  const fields = { deliveryTag: 0, redelivered: false, exchange: 'x', routingKey: 'key' }
  markReturned(all, { content: Buffer.alloc(0), fields, properties: { messageId: 'twin' } } as RawMessage)
  assert.deepEqual(
    all.map(({ returned }) => returned?.code),
    ['UNROUTABLE', undefined, undefined, 'UNROUTABLE'],
  )
})

test('a missing exchange is UNROUTABLE for who named it, unknown for the others, and the publisher goes on', async (t) => {
  const room = await roomFor(t)
  const { publisher } = publisherFor(t, room.settings)
  await publisher.publish(copyTo(room))
  const wrong = publisher.publish(copyTo(room, { exchange: 'no-such-exchange' }))
  const beside = publisher.publish(copyTo(room))
  await assert.rejects(wrong, withCode('UNROUTABLE'))
  await assert.rejects(beside, withCode('CONNECTION_LOST'))
  await within('the next one', publisher.publish(copyTo(room)))
})

test('a queue that is full refuses', async (t) => {
  const room = await roomFor(t, { deadMaxLength: 1 })
  const { publisher } = publisherFor(t, room.settings)
  const dead = copyTo(room, { exchange: room.names.deadExchange })
  const refused = async () => {
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => publisher.publish(dead)))
    return results.find((result) => result.status === 'rejected')
  }
  const result = await eventually('a refusal', refused, Boolean)
  assert.equal(result!.reason.code, 'REFUSED')
})

test('what can not be written is refused at once and harms nothing else', async (t) => {
  const room = await roomFor(t)
  const sink = room.broker.sink()
  t.after(() => sink.close())
  const good = sink.send(jobOf('good'))
  await assert.rejects(sink.send(jobOf('x'.repeat(300))), withCode('REFUSED'))
  await assert.rejects(sink.send(jobOf('big', { headers: { big: 'x'.repeat(70_000) } })), withCode('REFUSED'))
  await good
  await sink.send(jobOf('cc', { headers: { CC: 'elsewhere', 'x-tenant': 'acme' } }))
  await expectBacklog(room, { ready: 2 })
})

test('a broker that does not confirm in time leaves the outcome unknown; later messages pass on a channel of their own', async (t) => {
  const { room, proxy } = await proxied(t, { confirmTimeoutMs: 300 })
  const { publisher } = publisherFor(t, room.settings)
  await publisher.publish(copyTo(room))
  proxy.blackhole('down')
  await assert.rejects(within('the deadline', publisher.publish(copyTo(room))), withCode('CONFIRM_TIMEOUT'))
  proxy.heal()
  await eventually(
    'a confirm',
    () =>
      publisher.publish(copyTo(room)).then(
        () => true,
        () => false,
      ),
    Boolean,
  )
})

test('a connection that is lost takes what is unconfirmed with it; a message waits for the next one, within its patience', async (t) => {
  const { room, proxy } = await proxied(t, {})
  const { publisher, events } = publisherFor(t, room.settings, 400)
  await publisher.publish(copyTo(room))
  proxy.blackhole('down')
  const doubtful = publisher.publish(copyTo(room))
  proxy.cut({ refuse: true })
  await assert.rejects(doubtful, withCode('CONNECTION_LOST'))
  const begun = performance.now()
  await assert.rejects(publisher.publish(copyTo(room)), withCode('CONNECTION_LOST'))
  assert.ok(performance.now() - begun >= 300, 'it waited')
  proxy.heal()
  await eventually(
    'a confirm',
    () =>
      publisher.publish(copyTo(room)).then(
        () => true,
        () => false,
      ),
    Boolean,
  )
  assert.ok(events.some((event) => event.name === 'connection' && event.status === 'lost' && event.role === 'publish'))
})

test('after close nothing is sent, and what was waiting is told', async (t) => {
  const { room, proxy } = await proxied(t, {})
  proxy.cut({ refuse: true })
  const { publisher } = publisherFor(t, room.settings)
  const waiting = publisher.publish(copyTo(room))
  waiting.catch(() => undefined)
  await publisher.close(500)
  await assert.rejects(waiting, withCode('CLOSED'))
  await assert.rejects(publisher.publish(copyTo(room)), withCode('CLOSED'))
})
