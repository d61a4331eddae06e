import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '../../worker/contracts.ts'
import { ACK, DEAD, expectBacklog, Feed, type Harness, RELEASE, RETRY, send, within } from './harness.ts'

const OUTCOMES: readonly Outcome[] = [ACK, RELEASE, RETRY, DEAD]

/** How deliveries are settled. */
export function settleTests(harness: Harness): void {
  test('an acknowledged job is gone', async (t) => {
    const room = await harness.open(t)
    await send(room, 'a')
    const feed = new Feed(room)
    const delivery = await feed.next()
    assert.equal(delivery.message.id, 'a')
    assert.equal(await within('the settlement', delivery.settle(ACK)), true)
    await feed.source.close()
    await expectBacklog(room, { ready: 0, unacknowledged: 0, suspects: 0, waiting: 0, dead: 0 })
  })

  for (const first of OUTCOMES) {
    test(`a delivery settles once: after '${first.kind}' every other outcome is refused`, async (t) => {
      const room = await harness.open(t, { retryLadderMs: [600_000] })
      await send(room, 'a')
      const feed = new Feed(room)
      const delivery = await feed.next()
      await feed.source.stop()
      const outcome = first.kind === 'retry' ? { ...first, delayMs: 600_000 } : first
      assert.equal(await within('the settlement', delivery.settle(outcome)), true)
      for (const later of OUTCOMES) assert.equal(await within('the refusal', delivery.settle(later)), false)
      await feed.source.close()
      await expectBacklog(room, {
        ready: first.kind === 'release' ? 1 : 0,
        unacknowledged: 0,
        suspects: 0,
        waiting: first.kind === 'retry' ? 1 : 0,
        dead: first.kind === 'dead' ? 1 : 0,
      })
    })
  }

  test('of settlements that race exactly the first one counts', async (t) => {
    const room = await harness.open(t)
    await send(room, 'a')
    const feed = new Feed(room)
    const delivery = await feed.next()
    const settled = Promise.all([DEAD, ACK, RELEASE].map((outcome) => delivery.settle(outcome)))
    assert.deepEqual(await within('the settlements', settled), [true, false, false])
    await feed.source.close()
    await expectBacklog(room, { ready: 0, dead: 1 })
  })

  test('settle never rejects: after close every outcome is answered with false, and the job comes again', async (t) => {
    const room = await harness.open(t, { concurrency: 4 })
    await send(room, 'a', 'b', 'c', 'd')
    const feed = new Feed(room)
    const deliveries = await feed.take(4)
    await within('the source to close', feed.source.close())
    for (const [index, delivery] of deliveries.entries()) {
      assert.equal(await within('the refusal', delivery.settle(OUTCOMES[index]!)), false)
    }
    await expectBacklog(room, { ready: 4, unacknowledged: 0, waiting: 0, dead: 0 })
    const again = await new Feed(room).take(4)
    assert.deepEqual(again.map(({ message }) => message.id).sort(), ['a', 'b', 'c', 'd'])
  })

  test('jobs settle in any order, each by its own outcome', async (t) => {
    const ids = Array.from({ length: 12 }, (_, index) => `job-${index}`)
    const room = await harness.open(t, { concurrency: 12, retryLadderMs: [600_000] })
    await send(room, ...ids)
    const feed = new Feed(room)
    const deliveries = await feed.take(12)
    await feed.source.stop()
    const outcomes: readonly Outcome[] = [ACK, RELEASE, { ...RETRY, delayMs: 600_000 }, DEAD] as readonly Outcome[]
    const order = [7, 0, 11, 3, 5, 1, 10, 2, 9, 4, 8, 6]
    const settled = order.map((index) => deliveries[index]!.settle(outcomes[index % 4]!))
    assert.deepEqual(await within('the settlements', Promise.all(settled)), Array(12).fill(true))
    await feed.source.close()
    await expectBacklog(room, { ready: 3, unacknowledged: 0, suspects: 0, waiting: 3, dead: 3 })
  })

  test('a release costs no attempt, makes no suspect and never leads to the dead letters', async (t) => {
    const room = await harness.open(t, { concurrency: 1, crashLimit: 2 })
    await send(room, 'a')
    const feed = new Feed(room)
    for (let round = 0; round < 6; round++) {
      const delivery = await feed.next()
      assert.deepEqual([delivery.message.id, delivery.message.attempt], ['a', 1])
      assert.equal(await within('the settlement', delivery.settle(RELEASE)), true)
    }
    assert.equal(await within('the settlement', (await feed.next()).settle(ACK)), true)
    await feed.source.close()
    await expectBacklog(room, { ready: 0, suspects: 0, waiting: 0, dead: 0 })
    assert.deepEqual(
      room.events.filter((event) => event.name === 'suspect' || event.name === 'dead'),
      [],
    )
  })

  test('a retry holds no slot and comes again after its rung, one attempt later', async (t) => {
    const room = await harness.open(t, { concurrency: 1, retryLadderMs: [300] })
    await send(room, 'a', 'b')
    const feed = new Feed(room)
    const first = await feed.next()
    const begun = performance.now()
    assert.equal(await within('the settlement', first.settle({ ...RETRY, delayMs: 300 } as Outcome)), true)
    const other = await feed.next()
    assert.equal(other.message.id, 'b')
    await other.settle(ACK)
    const second = await feed.next()
    const elapsedMs = performance.now() - begun
    assert.deepEqual([second.message.id, second.message.attempt], ['a', 2])
    assert.ok(elapsedMs >= 290, `expected a wait of 300 ms, got ${elapsedMs}`)
    await second.settle({ ...RETRY, delayMs: 300 } as Outcome)
    const third = await feed.next()
    assert.deepEqual([third.message.id, third.message.attempt], ['a', 3])
    await third.settle(ACK)
  })

  test('an uncounted retry keeps the attempt', async (t) => {
    const room = await harness.open(t)
    await send(room, 'a')
    const feed = new Feed(room)
    await (await feed.next()).settle(RETRY)
    const second = await feed.next()
    assert.equal(second.message.attempt, 2)
    await second.settle({ kind: 'retry', delayMs: 100, reason: 'type-limit', counted: false })
    const third = await feed.next()
    assert.deepEqual([third.message.id, third.message.attempt], ['a', 2])
    await third.settle(ACK)
  })
}
