import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { Delivery, WorkerEvent } from '../../worker/contracts.ts'
import {
  ACK,
  eventually,
  expectBacklog,
  expectEvent,
  Feed,
  type Harness,
  RETRY,
  type Room,
  send,
  within,
} from './harness.ts'

/** What a lost connection does. */
export function crashTests(harness: Harness): void {
  test('a lost connection aborts the leases; settlements are answered with false and the jobs come again', async (t) => {
    const room = await harness.open(t)
    await send(room, 'a', 'b')
    const feed = new Feed(room)
    const held = await feed.take(2)
    const lost = held.map(({ lease }) => lease.aborted || once(lease, 'abort'))
    await room.breakConnection()
    await within('the leases to abort', Promise.all(lost))
    assert.equal(await within('the refusal', held[0]!.settle(ACK)), false)
    assert.equal(await within('the refusal', held[1]!.settle(RETRY)), false)
    await expectEvent(room, 'late-settlement', ({ name }) => name === 'late-settlement')
    const again = await feed.take(2)
    assert.deepEqual(again.map(({ message }) => message.id).sort(), ['a', 'b'])
    for (const delivery of again) {
      assert.equal(delivery.message.redelivered, true)
      assert.equal(delivery.message.attempt, 1)
      assert.equal(delivery.lease.aborted, false)
      assert.equal(await within('the settlement', delivery.settle(ACK)), true)
    }
    await expectBacklog(room, { ready: 0, unacknowledged: 0, waiting: 0, suspects: 0, dead: 0 })
  })

  test('the source comes back by itself and says so', async (t) => {
    const room = await harness.open(t)
    const feed = new Feed(room)
    const done: string[] = []
    const working = ackAll(feed, done)
    const comebacks = () => room.events.filter(isComeback).length
    await eventually('a source that is ready', () => feed.source.ready, Boolean)
    for (let round = 1; round <= 3; round++) {
      await room.breakConnection()
      await eventually('a word of it', comebacks, (count) => count === round + 1)
      await eventually('a source that is ready', () => feed.source.ready, Boolean)
      await send(room, `job-${round}`)
      // An earlier job comes again when its acknowledgement was cut off.
      await eventually('the job', () => done.includes(`job-${round}`), Boolean)
    }
    await expectBacklog(room, { ready: 0, unacknowledged: 0, suspects: 0, dead: 0, consumers: 1 })
    await within('the source to stop', feed.source.stop())
    await working
  })

  test('a connection that is lost during the drain ends the leases and brings nothing new', async (t) => {
    const room = await harness.open(t)
    await send(room, 'a', 'b', 'c', 'd')
    const feed = new Feed(room)
    const held = await feed.take(3)
    await within('the source to stop', feed.source.stop())
    await room.breakConnection()
    await eventually('lost leases', () => held.every(({ lease }) => lease.aborted), Boolean)
    assert.equal(await within('the refusal', held[0]!.settle(ACK)), false)
    await feed.end()
    await within('the source to close', feed.source.close())
    await expectBacklog(room, { ready: 4, unacknowledged: 0, consumers: 0 })
  })

  test('an id that was derived is the same after a lost connection', async (t) => {
    const room = await harness.open(t)
    await room.publish({ type: 'test', headers: {}, body: Buffer.from('anonymous') })
    const feed = new Feed(room)
    const first = await feed.next()
    await room.breakConnection()
    const again = await feed.next()
    assert.deepEqual([again.message.id, again.message.idDerived], [first.message.id, true])
    await again.settle(ACK)
  })

  if (harness.features.countsDeliveries) {
    test('a job that is lost again and again ends alone in the dead letters; its neighbours are done', async (t) => {
      const room = await harness.open(t, { concurrency: 4, crashLimit: 2 })
      await send(room, 'a', 'b', 'killer', 'd')
      const feed = new Feed(room)
      const worked = work(feed, room)
      await expectBacklog(room, { ready: 0, unacknowledged: 0, suspects: 0, dead: 1 })
      await feed.source.stop()
      await worked
      const dead = await room.dead()
      assert.deepEqual(
        dead.map(({ messageId, headers }) => [messageId, headers['tidemill-dead-reason']]),
        [['killer', 'crash-loop']],
      )
    })
  }
}

/** The first connection counts too. */
const isComeback = (event: WorkerEvent): boolean =>
  event.name === 'consumer-lost' ||
  (event.name === 'connection' && event.role === 'consume' && event.status === 'connected')

/** Acknowledges whatever comes until the deliveries end. */
async function ackAll(feed: Feed, done: string[]): Promise<void> {
  for (let pulled = await feed.pull(); !pulled.done; pulled = await feed.pull()) {
    if (await within('the settlement', pulled.value.settle(ACK))) done.push(pulled.value.message.id)
  }
}

/** Works like a process that one job kills: its neighbours are done only once they have been lost with it, or it has been condemned. */
async function work(feed: Feed, room: Room): Promise<void> {
  const undone: Delivery[] = []
  const seen = new Set<string>()
  for (;;) {
    const pulled = await feed.pull()
    if (pulled.done) return
    const delivery = pulled.value
    const { id } = delivery.message
    const isOver = room.events.some(({ name }) => name === 'dead')
    if (id !== 'killer' && (seen.has(id) || isOver)) await delivery.settle(ACK)
    else undone.push(delivery)
    seen.add(id)
    if (id !== 'killer' || delivery.lease.aborted) continue
    await room.breakConnection()
    // Whoever was at work on a lost job has to say so, or it counts as still in hand.
    await within('the leases to abort', Promise.all(undone.map(({ lease }) => lease.aborted || once(lease, 'abort'))))
    for (const lost of undone.splice(0)) assert.equal(await lost.settle(ACK), false)
  }
}
