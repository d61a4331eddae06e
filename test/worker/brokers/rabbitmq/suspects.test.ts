import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Delivery } from '../../../../worker/contracts.ts'
import { ACK, expectBacklog, type Feed } from '../../../conformance/harness.ts'
import { publish, type RabbitRoom, roomFor } from './room.ts'

/** Puts messages into the suspects queue as a worker would. */
async function suspect(room: RabbitRoom, crashes: number, ...ids: string[]): Promise<void> {
  for (const messageId of ids) {
    const headers = { 'tidemill-crashes': crashes }
    const message = { messageId, type: 'test', headers, body: Buffer.from([0xff, 0x00]) }
    await publish(room.channel, room.names.workExchange, room.names.suspects, message)
  }
}

/** Runs what comes, 20 ms each, and tells what ran beside what. */
async function run(feed: Feed, concurrency: number): Promise<{ log: string[]; overlaps: string[][] }> {
  const log: string[] = []
  const overlaps: string[][] = []
  const running = new Map<string, Delivery>()
  let free: (() => void) | undefined
  const work = async (delivery: Delivery) => {
    const { id } = delivery.message
    running.set(id, delivery)
    if (running.size > 1) overlaps.push([...running.keys()])
    log.push(id)
    await sleep(20)
    running.delete(id)
    await delivery.settle(ACK)
    free?.()
  }
  for (;;) {
    const pulled = await feed.pull()
    if (pulled.done) return { log, overlaps }
    void work(pulled.value)
    while (running.size >= concurrency) await new Promise<void>((resolve) => (free = resolve))
  }
}

test('a suspect runs alone, and suspects and fresh jobs take turns', async (t) => {
  const room = await roomFor(t, { concurrency: 3 })
  const fresh = Array.from({ length: 60 }, (_, id) => `fresh-${id}`)
  await room.send(...fresh)
  await suspect(room, 0, 'suspect-1', 'suspect-2', 'suspect-3')
  const feed = room.feed()
  const ran = run(feed, 3)
  await expectBacklog(room, { ready: 0, suspects: 0, unacknowledged: 0 })
  await feed.source.stop()
  const { log, overlaps } = await ran
  assert.equal(log.length, 63)
  assert.ok(overlaps.length > 0, 'fresh jobs ran side by side')
  assert.deepEqual(
    overlaps.filter((ids) => ids.some((id) => id.startsWith('suspect'))),
    [],
  )
  const places = log.flatMap((id, place) => (id.startsWith('suspect') ? [place] : []))
  assert.equal(places.length, 3)
  for (const place of places.slice(0, -1)) {
    assert.ok(log[place + 1]!.startsWith('fresh'), `a fresh job follows the suspect: ${log.join(' ')}`)
  }
  assert.ok(places[2]! < log.length - 1, `suspects need not wait for the end of the fresh jobs: ${log.join(' ')}`)
})

test('a suspect of too many crashes is dead-lettered unrun, as it was, and the others are not', async (t) => {
  const room = await roomFor(t, { crashLimit: 3 })
  await suspect(room, 3, 'guilty')
  await suspect(room, 2, 'innocent')
  const feed = room.feed()
  const delivery = await feed.next()
  assert.equal(delivery.message.id, 'innocent')
  await delivery.settle(ACK)
  await expectBacklog(room, { suspects: 0, dead: 1 })
  const [dead] = await room.dead()
  assert.equal(dead!.messageId, 'guilty')
  assert.deepEqual(Buffer.from(dead!.body), Buffer.from([0xff, 0x00]))
  assert.equal(dead!.headers['tidemill-dead-reason'], 'crash-loop')
  assert.equal(dead!.headers['tidemill-crashes'], 3)
  assert.deepEqual(
    room.told('suspect').map(({ action, message, crashes }) => [action, message.id, crashes]),
    [
      ['condemned', 'guilty', 3],
      ['running', 'innocent', 2],
    ],
  )
  assert.deepEqual(
    room.told('dead').map(({ message, reason }) => [message.id, reason]),
    [['guilty', 'crash-loop']],
  )
})

test('a drain that interrupts a suspect again and again adds nothing to its crashes', async (t) => {
  const room = await roomFor(t, { crashLimit: 3 })
  await suspect(room, 2, 'a')
  for (let round = 0; round < 3; round++) {
    const feed = room.feed()
    const { message } = await feed.next()
    assert.deepEqual([message.id, message.headers['tidemill-crashes']], ['a', '2'])
    await feed.source.stop()
    await feed.source.close()
  }
  await expectBacklog(room, { ready: 0, suspects: 1, dead: 0 })
})

test('a delivery count and crashes that a producer wrote condemn nobody', async (t) => {
  const room = await roomFor(t, { concurrency: 1 })
  const headers = { 'x-delivery-count': 40, 'tidemill-crashes': 40 }
  await room.publish({ messageId: 'forged', type: 'test', headers, body: Buffer.from('{}') })
  const delivery = await room.feed().next()
  assert.equal(delivery.message.id, 'forged')
  await delivery.settle(ACK)
  await expectBacklog(room, { ready: 0, suspects: 0, dead: 0 })
  assert.deepEqual(room.told('suspect'), [])
})

test('while a long job keeps its hands full the worker fetches no suspect, and no more than its limit afterwards', async (t) => {
  const room = await roomFor(t, { concurrency: 3 })
  await room.send('long', 'short')
  const feed = room.feed()
  const [long, short] = await feed.take(2)
  await suspect(room, 0, 'suspect')
  // Several looks at the suspects queue fit into this; then it consumes no more.
  await sleep(10 * room.settings.suspectsPollMs)
  await short!.settle(ACK)
  await room.send('a', 'b', 'c', 'd', 'e')
  await sleep(2 * room.settings.suspectsPollMs)
  await expectBacklog(room, { ready: 5, unacknowledged: 1, suspects: 1 })
  // Another worker takes the suspect: this one goes on, with the slots that are free.
  await room.channel.get(room.names.suspects, { noAck: true })
  const more = await feed.take(2)
  await expectBacklog(room, { ready: 3, unacknowledged: 3 })
  for (const delivery of more) await delivery.settle(ACK)
  const next = await feed.take(2)
  await expectBacklog(room, { ready: 1, unacknowledged: 3 })
  // Its last slot comes back to it when the long job is done.
  await long!.settle(ACK)
  await feed.next()
  await expectBacklog(room, { ready: 0, unacknowledged: 3 })
  for (const delivery of next) await delivery.settle(ACK)
})
