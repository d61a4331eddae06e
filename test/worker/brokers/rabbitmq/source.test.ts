import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ACK, eventually, expectBacklog, RELEASE, within } from '../../../conformance/harness.ts'
import { sharedBroker } from '../../../helpers/broker.ts'
import { leakCheck } from '../../../helpers/leaks.ts'
import { roomFor } from './room.ts'
import { TamperingProxy } from './tampering-proxy.ts'

/** The work channel is the first that a source opens on its connection. */
const WORK_CHANNEL = 1
const RETRY = { kind: 'retry', delayMs: 200, reason: 'error', counted: true } as const

test('a channel that the broker closes costs the jobs on it, not the connection', async (t) => {
  const { url } = await sharedBroker()
  const proxy = await TamperingProxy.start(url)
  t.after(() => proxy.close())
  const room = await roomFor(t, {}, (direct) => proxy.through(direct))
  await room.send('a', 'b')
  const feed = room.feed()
  const [first, second] = await feed.take(2)
  proxy.acknowledgeNonsense(WORK_CHANNEL)
  await eventually('a lost lease', () => first!.lease.aborted, Boolean)
  assert.equal(await first!.settle(ACK), false)
  assert.equal(await second!.settle(RETRY), false)
  assert.equal(room.told('late-settlement').length, 2)
  const again = await feed.take(2)
  assert.deepEqual(again.map(({ message }) => message.id).sort(), ['a', 'b'])
  for (const delivery of again) assert.equal(await delivery.settle(ACK), true)
  await expectBacklog(room, { ready: 0, unacknowledged: 0, waiting: 0, consumers: 1 })
  assert.match(room.told('consumer-lost')[0]!.reason, /unknown delivery tag/)
  assert.deepEqual(
    room.told('connection').filter(({ status }) => status !== 'connected'),
    [],
  )
})

test('when its queue is deleted, the source says so, still takes settlements, and consumes again when the queue is back', async (t) => {
  const room = await roomFor(t)
  await room.send('a', 'b')
  const feed = room.feed()
  const [first, second] = await feed.take(2)
  await room.channel.deleteQueue(room.names.queue)
  await eventually('the consumer to be lost', () => room.told('consumer-lost').length, Boolean)
  await eventually('the fault to be told', () => room.told('topology-fault').length, Boolean)
  assert.equal(feed.source.ready, false)
  assert.deepEqual(
    room.told('topology-fault')[0]!.faults.map(({ name }) => name),
    [room.names.queue],
  )
  assert.equal(first!.lease.aborted, false, 'the old channel lives on')
  assert.equal(await first!.settle(ACK), true)
  assert.equal(await within('the retry', second!.settle(RETRY)), true)
  await room.broker.topology().apply()
  await room.send('c')
  const back = [await feed.next(), await feed.next()]
  assert.deepEqual(back.map(({ message }) => message.id).sort(), ['b', 'c'])
  for (const delivery of back) await delivery.settle(ACK)
  await expectBacklog(room, { ready: 0, unacknowledged: 0, consumers: 1 })
})

test('before RabbitMQ 4.3 an interruption never adds up: the second one gives a copy back, with its headers and its attempt', async (t) => {
  const room = await roomFor(t, { concurrency: 1 })
  const headers = { 'x-tenant': 'acme', 'tidemill-attempt': 3, 'x-delivery-count': 9 }
  await room.publish({ messageId: 'a', type: 'test', headers, body: Buffer.from([0xff, 0]) })
  const counts: unknown[] = []
  for (let round = 0; round < 5; round++) {
    const feed = room.feed()
    const { message } = await feed.next()
    counts.push([message.redelivered, message.headers['x-delivery-count']])
    assert.deepEqual([message.id, message.attempt, message.headers['x-tenant']], ['a', 3, 'acme'])
    await feed.source.stop()
    await feed.source.close()
  }
  // The forged count of the first delivery is not among the copies; each count of 1 is followed by a copy that has none.
  assert.deepEqual(counts, [
    [false, '9'],
    [true, '1'],
    [false, undefined],
    [true, '1'],
    [false, undefined],
  ])
  assert.deepEqual(room.told('suspect'), [])
  await expectBacklog(room, { ready: 1, suspects: 0, dead: 0 })
})

test('from RabbitMQ 4.3 on a release is a nack, however often', async (t) => {
  const { url } = await sharedBroker()
  // A broker that says it is 4.3.99 counts nacks all the same, which shows that they were used.
  const proxy = await TamperingProxy.start(url, (chunk) => {
    const at = chunk.indexOf('version')
    const version = /version[^\d]{5}([\d.]+)/.exec(chunk.toString('latin1'))?.[1]
    if (at < 0 || version === undefined) return chunk
    const other = Buffer.from(chunk)
    other.write('4.3.999999'.slice(0, version.length), other.indexOf(version, at))
    return other
  })
  t.after(() => proxy.close())
  const room = await roomFor(t, { concurrency: 1 }, (direct) => proxy.through(direct))
  await room.send('a')
  const feed = room.feed()
  assert.equal(await (await feed.next()).settle(RELEASE), true)
  const second = await feed.next()
  assert.match(room.told('connection')[0]!.peer ?? '', / 4\.3/)
  assert.equal(second.message.headers['x-delivery-count'], '1')
  assert.equal(await second.settle(RELEASE), true)
  // Given back by a nack, a job that counts 2 is a suspect here; given back as a copy it would not be one.
  await eventually('the job to be moved', () => room.told('suspect').length, Boolean)
})

test('jobs that were fetched and not begun go back untouched, those in hand can still be settled', async (t) => {
  const room = await roomFor(t, { concurrency: 2, readAhead: 4 })
  await room.send('a', 'b', 'c', 'd', 'e', 'f')
  const feed = room.feed()
  const held = await feed.take(2)
  await expectBacklog(room, { ready: 0, unacknowledged: 6 })
  await feed.source.stop()
  await feed.end()
  await expectBacklog(room, { ready: 4, unacknowledged: 2 })
  for (const delivery of held) assert.equal(await delivery.settle(ACK), true)
  await feed.source.close()
  await expectBacklog(room, { ready: 4, unacknowledged: 0 })
})

test('a closed source leaves no socket, no timer and no consumer behind', async (t) => {
  const room = await roomFor(t, { retryLadderMs: [600_000] })
  await room.send('a', 'b', 'c')
  const check = leakCheck()
  const feed = room.feed()
  const [first, second] = await feed.take(3)
  await first!.settle(ACK)
  await second!.settle({ ...RETRY, delayMs: 600_000 })
  await feed.source.close()
  await check()
  await expectBacklog(room, { ready: 1, unacknowledged: 0, waiting: 1, consumers: 0 })
})

test('the acks of a wide worker survive a close straight after them, singly written ones too', async (t) => {
  const count = 80
  const room = await roomFor(t, { concurrency: count })
  await room.send(...Array.from({ length: count }, (_, id) => `job-${id}`))
  const feed = room.feed()
  const deliveries = await feed.take(count)
  await feed.source.stop()
  // The first one stays open, so that each of the others needs an ack of its own; they are written as the turn ends.
  for (const delivery of deliveries.slice(1)) assert.equal(await delivery.settle(ACK), true)
  await new Promise(setImmediate)
  await feed.source.close()
  await sleep(100)
  await expectBacklog(room, { ready: 1, unacknowledged: 0 })
})
