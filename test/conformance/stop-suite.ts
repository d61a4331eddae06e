import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Delivery, Source } from '../../worker/contracts.ts'
import { ACK, eventually, expectBacklog, Feed, type Harness, send, within } from './harness.ts'

const TEN = Array.from({ length: 10 }, (_, index) => `job-${index}`)

/** How much a source holds, and how it ends. */
export function stopTests(harness: Harness): void {
  for (const { concurrency, readAhead } of [
    { concurrency: 3, readAhead: 0 },
    { concurrency: 2, readAhead: 2 },
  ]) {
    test(`never more than concurrency ${concurrency} + read-ahead ${readAhead} jobs are unsettled`, async (t) => {
      const room = await harness.open(t, { concurrency, readAhead })
      await send(room, ...TEN)
      const feed = new Feed(room)
      const window = concurrency + readAhead
      const held = await feed.take(window)
      const more = feed.next()
      await expectBacklog(room, { ready: TEN.length - window, unacknowledged: window })
      for (let left = TEN.length - window; left > 0; left--) {
        assert.equal(await within('the settlement', held.shift()!.settle(ACK)), true)
        held.push(left === TEN.length - window ? await more : await feed.next())
        await expectBacklog(room, { ready: left - 1 }, window)
      }
    })
  }

  test('jobs come in the order in which they were sent', async (t) => {
    const room = await harness.open(t, { concurrency: 1 })
    await send(room, ...TEN)
    const feed = new Feed(room)
    for (const expected of TEN) {
      const delivery = await feed.next()
      assert.equal(delivery.message.id, expected)
      await delivery.settle(ACK)
    }
  })

  test('two sources share a queue, each job goes to one of them', async (t) => {
    const room = await harness.open(t, { concurrency: 5, topicPartitions: 2 })
    const [one, other] = [new Feed(room), new Feed(room)]
    await expectBacklog(room, { consumers: 2 })
    await eventually('both to be ready', () => one.source.ready && other.source.ready, Boolean)
    await send(room, ...TEN)
    const taken = (await Promise.all([one.take(5), other.take(5)])).flat()
    assert.deepEqual(taken.map(({ message }) => message.id).sort(), TEN)
    for (const delivery of taken) assert.equal(await within('the settlement', delivery.settle(ACK)), true)
  })

  test('stop gives back what was not yielded, ends the deliveries and lets yielded jobs settle', async (t) => {
    const room = await harness.open(t, { concurrency: 1, readAhead: 5 })
    await send(room, ...TEN)
    const feed = new Feed(room)
    const yielded = await feed.take(2)
    await within('the source to stop', feed.source.stop())
    assert.equal(feed.source.ready, false)
    await feed.end()
    await send(room, 'later')
    await expectBacklog(room, { ready: 9, unacknowledged: 2 })
    for (const delivery of yielded) {
      assert.equal(delivery.lease.aborted, false)
      assert.equal(await within('the settlement', delivery.settle(ACK)), true)
    }
    await within('the source to close', feed.source.close())
    await expectBacklog(room, { ready: 9, unacknowledged: 0, suspects: 0, dead: 0, consumers: 0 })
  })

  test('stop ends a pull that waits', async (t) => {
    const room = await harness.open(t)
    const feed = new Feed(room)
    const ended = feed.end()
    await expectBacklog(room, { consumers: 1 })
    await within('the source to stop', feed.source.stop())
    await ended
  })

  test('leaving the loop stops the source', async (t) => {
    const room = await harness.open(t, { concurrency: 5 })
    await send(room, ...TEN)
    const source = room.broker.source()
    room.defer(() => within('the source to close', source.close()))
    const first = await within('the first delivery', firstOf(source))
    assert.equal(source.ready, false)
    await send(room, 'later')
    await expectBacklog(room, { ready: 10, unacknowledged: 1 })
    assert.equal(await within('the settlement', first.settle(ACK)), true)
  })

  test('close returns unsettled jobs, whose leases abort', async (t) => {
    const room = await harness.open(t)
    await send(room, 'a', 'b')
    const feed = new Feed(room)
    const [done, undone] = await feed.take(2)
    assert.equal(await within('the settlement', done!.settle(ACK)), true)
    await within('the source to close', feed.source.close())
    await feed.end()
    assert.equal(undone!.lease.aborted, true)
    const again = await new Feed(room).next()
    assert.deepEqual([again.message.id, again.message.attempt], ['b', 1])
    await again.settle(ACK)
  })

  test('the acknowledgements of a hundred jobs survive a stop and a close straight after them', async (t) => {
    const ids = Array.from({ length: 100 }, (_, index) => `job-${index}`)
    const room = await harness.open(t, { concurrency: 100 })
    await send(room, ...ids)
    const feed = new Feed(room)
    const deliveries = await feed.take(100)
    const settled = Promise.all(deliveries.map((delivery) => delivery.settle(ACK)))
    await within('the source to stop', feed.source.stop())
    await within('the source to close', feed.source.close())
    assert.deepEqual(new Set(await settled), new Set([true]))
    await expectBacklog(room, { ready: 0, unacknowledged: 0, suspects: 0, dead: 0 })
  })

  test('a settlement that is begun before close is written', async (t) => {
    const room = await harness.open(t)
    await send(room, 'a')
    const feed = new Feed(room)
    const delivery = await feed.next()
    const [written] = await within(
      'both',
      Promise.all([delivery.settle({ kind: 'dead', reason: 'permanent' }), feed.source.close()]),
    )
    // Whether its copy was confirmed in time or not: the answer and the broker agree.
    await expectBacklog(room, written ? { ready: 0, dead: 1 } : { ready: 1, unacknowledged: 0 })
  })

  const endings: readonly [
    title: string,
    end: (source: Source, deliveries: () => AsyncIterator<Delivery>) => unknown,
  ][] = [
    ['stop twice', async (source, deliveries) => [deliveries(), await source.stop(), await source.stop()]],
    ['stop twice at once', (source, deliveries) => [deliveries(), source.stop(), source.stop()]],
    ['close twice', async (source, deliveries) => [deliveries(), await source.close(), await source.close()]],
    ['close and stop at once', (source, deliveries) => [deliveries(), source.close(), source.stop()]],
    ['stop and close at once', (source, deliveries) => [deliveries(), source.stop(), source.close()]],
    ['stop after close', async (source, deliveries) => [deliveries(), await source.close(), await source.stop()]],
    ['stop before the start', async (source) => [await source.stop()]],
    ['close before the start', async (source) => [await source.close()]],
    ['stop while it connects', (source, deliveries) => [deliveries().next(), source.stop()]],
    ['close while it connects', (source, deliveries) => [deliveries().next(), source.close()]],
  ]
  for (const [title, end] of endings) {
    test(`a source bears it to ${title}, and ends`, async (t) => {
      const room = await harness.open(t)
      await send(room, 'a')
      const source = room.broker.source()
      let iterator: AsyncIterator<Delivery> | undefined
      const deliveries = () => (iterator ??= source.deliveries()[Symbol.asyncIterator]())
      const pending = await within('the calls to return', Promise.resolve(end(source, deliveries)))
      await within('the calls to settle', Promise.all(pending as unknown[]))
      // What was yielded before the end is yielded; after it nothing is.
      const pulled = await within('the end', deliveries().next())
      assert.equal(pulled.done, true)
      await within('the source to close', source.close())
      assert.equal(source.ready, false)
      await expectBacklog(room, { ready: 1, unacknowledged: 0, consumers: 0, dead: 0 })
    })
  }
}

async function firstOf(source: Source): Promise<Delivery> {
  for await (const delivery of source.deliveries()) return delivery
  assert.fail('expected a delivery, got the end')
}
