import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ACK, DEAD, eventually, expectBacklog, within } from '../../../conformance/harness.ts'
import { sharedBroker } from '../../../helpers/broker.ts'
import { FaultProxy } from '../../../load/proxy.ts'
import { roomFor } from './room.ts'

const RETRY = { kind: 'retry', delayMs: 200, reason: 'error', counted: true } as const

test('a dead letter that can not be routed holds its job and the pulling, until the way is free again', async (t) => {
  const room = await roomFor(t, { concurrency: 3 })
  await room.channel.unbindQueue(room.names.dead, room.names.deadExchange, '')
  await room.send('a', 'b', 'c')
  const feed = room.feed()
  const first = await feed.next()
  let settled: boolean | undefined
  const settling = first.settle(DEAD).then((written) => (settled = written))
  await eventually('the job to be held', () => room.told('held').length, Boolean)
  assert.equal(room.told('held')[0]!.jobs, 1)
  assert.match(room.told('held')[0]!.reason ?? '', /no queue is bound/)
  const pulled = feed.next()
  let yielded = false
  void pulled.then(() => (yielded = true))
  await expectBacklog(room, { ready: 0, unacknowledged: 3, dead: 0 })
  assert.deepEqual([settled, yielded, feed.source.ready], [undefined, false, true])
  await room.channel.bindQueue(room.names.dead, room.names.deadExchange, '')
  assert.equal(await within('the settlement', settling), true)
  assert.equal((await pulled).message.id, 'b')
  assert.deepEqual(
    room.told('held').map(({ held, jobs }) => [held, jobs]),
    [
      [true, 1],
      [false, 0],
    ],
  )
  await (await pulled).settle(ACK)
  await (await feed.next()).settle(ACK)
  await expectBacklog(room, { ready: 0, unacknowledged: 0, dead: 1 })
})

test('a job that is held when the source closes goes back to its queue, within the time for closing', async (t) => {
  const room = await roomFor(t, { closeTimeoutMs: 1_000 })
  await room.channel.unbindQueue(room.names.rung(200), room.names.retryExchange, '200')
  await room.send('a')
  const feed = room.feed()
  const delivery = await feed.next()
  const settling = delivery.settle(RETRY)
  await eventually('the job to be held', () => room.told('held').length, Boolean)
  const begun = performance.now()
  await feed.source.close()
  assert.ok(performance.now() - begun < 2_500)
  assert.equal(await within('the settlement', settling), false)
  await expectBacklog(room, { ready: 1, unacknowledged: 0, waiting: 0 })
})

test('a job whose lease is lost while it is held is given up at once, and comes again', async (t) => {
  const { url } = await sharedBroker()
  const proxy = await FaultProxy.start(url)
  t.after(() => proxy.close())
  const room = await roomFor(t, {}, (direct) => proxy.through(direct))
  await room.channel.unbindQueue(room.names.rung(200), room.names.retryExchange, '200')
  await room.send('a')
  const feed = room.feed()
  const settling = (await feed.next()).settle(RETRY)
  await eventually('the job to be held', () => room.told('held').length, Boolean)
  proxy.cut()
  assert.equal(await within('the settlement', settling), false)
  await eventually(
    'the hold to end',
    () => room.told('held').at(-1)!.held,
    (held) => !held,
  )
  await room.channel.bindQueue(room.names.rung(200), room.names.retryExchange, '200')
  const again = await feed.next()
  assert.deepEqual([again.message.id, again.message.attempt, again.message.redelivered], ['a', 1, true])
  assert.equal(await again.settle(RETRY), true)
  const retried = await feed.next()
  assert.equal(retried.message.attempt, 2)
  await retried.settle(ACK)
})
