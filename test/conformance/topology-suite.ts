import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Outcome, Source, Topology, TopologyItem } from '../../worker/contracts.ts'
import {
  ACK,
  DEAD,
  expectBacklog,
  expectEvent,
  Feed,
  type Harness,
  RETRY,
  type Room,
  send,
  withCode,
  within,
} from './harness.ts'

/** A source that finds no queue looks for it again after about 100 ms, twice as late each time. */
const A_FEW_TRIES_MS = 1_000

/** What a queue needs on its broker, and what can be read of it. */
export function topologyTests(harness: Harness): void {
  test('the broker says what it can do', async (t) => {
    const room = await harness.open(t)
    assert.deepEqual(room.broker.features, harness.features)
  })

  test('the backlog names what is ready, unsettled, waiting and dead', async (t) => {
    const room = await harness.open(t, { concurrency: 3, retryLadderMs: [600_000] })
    await expectBacklog(room, { ready: 0, unacknowledged: 0, suspects: 0, waiting: 0, dead: 0, consumers: 0 })
    await send(room, 'a', 'b', 'c', 'd', 'e', 'f')
    await expectBacklog(room, { ready: 6, published: 6 })
    const feed = new Feed(room)
    const [first, second, third] = await feed.take(3)
    await expectBacklog(room, { ready: 3, unacknowledged: 3, consumers: 1 })
    await within('the settlement', first!.settle({ ...RETRY, delayMs: 600_000 } as Outcome))
    await within('the settlement', second!.settle(DEAD))
    await within('the settlement', third!.settle(ACK))
    const reading = await expectBacklog(room, { ready: 0, unacknowledged: 3, suspects: 0, waiting: 1, dead: 1 })
    assert.equal(reading.queue, room.settings.queue)
    assert.ok(Math.abs(reading.readAt! - Date.now()) < 20_000)
  })

  test('a backlog that can not be read rejects and is never 0', async (t) => {
    const room = await harness.open(t, {}, { topology: false })
    const backlog = room.broker.backlog()
    room.defer(() => within('the backlog to close', backlog.close()))
    await assert.rejects(within('the answer', backlog.read()), withCode('BACKLOG_UNREADABLE'))
    await within('the topology', topologyOf(room).apply())
    assert.equal((await within('the reading', backlog.read())).ready, 0)
  })

  test('verify names what is missing, and nothing once it was applied', async (t) => {
    const room = await harness.open(t, {}, { topology: false })
    const topology = topologyOf(room)
    const faults = await within('the faults', topology.verify())
    assert.ok(
      faults.some((fault) => holdsJobs(room, fault)),
      JSON.stringify(faults),
    )
    await within('the topology', topology.apply())
    assert.deepEqual(await within('the faults', topology.verify()), [])
  })

  test('apply declares what print says, and may be repeated without harm', async (t) => {
    const room = await harness.open(t, {}, { topology: false })
    const topology = topologyOf(room)
    const printed = await within('the items', topology.print())
    assert.ok(printed.some((item) => holdsJobs(room, item)))
    const applied = await within('the topology', topology.apply())
    assert.deepEqual(applied.map(asPrinted), printed)
    await send(room, 'a', 'b')
    assert.deepEqual(await within('the topology', topology.apply()), applied)
    assert.deepEqual(await within('the topology', topologyOf(room).apply()), applied)
    await expectBacklog(room, { ready: 2 })
  })

  test('a source that finds no queue says so, and begins when the queue is there', async (t) => {
    const room = await harness.open(t, {}, { topology: false })
    const feed = new Feed(room)
    const first = feed.next()
    await expectEvent(
      room,
      'topology-fault',
      (event) => event.name === 'topology-fault' && event.faults.some(({ name }) => name === room.settings.queue),
    )
    await neverReady(feed.source, A_FEW_TRIES_MS)
    await within('the topology', topologyOf(room).apply())
    await send(room, 'a')
    const delivery = await first
    assert.equal(delivery.message.id, 'a')
    assert.equal(feed.source.ready, true)
    await delivery.settle(ACK)
  })
}

/** A source that tries is not ready while it tries. */
async function neverReady(source: Source, forMs: number): Promise<void> {
  for (const end = performance.now() + forMs; performance.now() < end; await nextTurn()) {
    assert.equal(source.ready, false)
  }
}

function holdsJobs({ settings }: Room, { kind, name }: Pick<TopologyItem, 'kind' | 'name'>): boolean {
  return (kind === 'queue' || kind === 'topic') && name === settings.queue
}

/** Printing asks no broker, so it can't know which one takes an unlimited delivery limit by its name. */
function asPrinted({ settings, ...item }: TopologyItem): TopologyItem {
  const { 'x-delivery-limit': limit, ...rest } = settings
  return { ...item, settings: limit === -1 ? rest : settings }
}

function topologyOf(room: Room): Topology {
  const topology = room.broker.topology()
  room.defer(() => within('the topology to close', topology.close()))
  return topology
}
