import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Acks } from '../../../../worker/brokers/rabbitmq/acks.ts'

/** A channel as the broker sees it: a frame for a tag that is not open closes it (406). */
class Broker {
  readonly open = new Set<number>()
  readonly acked = new Set<number>()
  readonly requeued = new Set<number>()
  frames: string[] = []

  ack(tag: number, upTo: boolean): void {
    assert.ok(this.open.has(tag), `406: ack of ${tag}, which is not open`)
    for (const open of [...this.open]) {
      if (open !== tag && !(upTo && open < tag)) continue
      this.open.delete(open)
      this.acked.add(open)
    }
    this.frames.push(`${upTo ? 'ack-up-to' : 'ack'} ${tag}`)
  }

  nack(tag: number): void {
    assert.ok(this.open.has(tag), `406: nack of ${tag}, which is not open`)
    this.open.delete(tag)
    this.requeued.add(tag)
    this.frames.push(`nack ${tag}`)
  }
}

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('deliver' as const), pick: fc.nat() }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('ack' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('turn' as const), pick: fc.nat() }) },
)

test('each job is settled exactly as asked, never by a tag that is settled already, in any order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const broker = new Broker()
      const acks = new Acks(broker)
      const unsettled: number[] = []
      const acked = new Set<number>()
      const released = new Set<number>()
      let tag = 0
      for (const { kind, pick } of [...steps, { kind: 'turn' as const, pick: 0 }]) {
        if (kind === 'deliver') {
          broker.open.add(++tag)
          acks.opened(tag)
          unsettled.push(tag)
        } else if (kind === 'turn') {
          acks.flush()
          assert.deepEqual(broker.acked, acked)
          assert.deepEqual(broker.requeued, released)
          assert.deepEqual([...broker.open], unsettled)
        } else if (unsettled.length > 0) {
          const [settled] = unsettled.splice(pick % unsettled.length, 1)
          if (kind === 'ack') acks.ack(settled!)
          else acks.release(settled!)
          ;(kind === 'ack' ? acked : released).add(settled!)
        }
      }
    }),
    { numRuns: 500 },
  )
})

test('a turn writes releases first, then one multiple ack of the finished prefix, then early finishers singly', async () => {
  const broker = new Broker()
  const acks = new Acks(broker)
  for (let tag = 1; tag <= 9; tag++) {
    broker.open.add(tag)
    acks.opened(tag)
  }
  for (const tag of [4, 1, 9, 2, 7]) acks.ack(tag)
  acks.release(3)
  assert.deepEqual(broker.frames, [], 'nothing is written within the turn')
  await new Promise(setImmediate)
  assert.deepEqual(broker.frames, ['nack 3', 'ack-up-to 4', 'ack 9', 'ack 7'])
  broker.frames = []
  // 7 is settled already and tops the prefix now: the multiple ack must be named by 6.
  acks.ack(6)
  acks.ack(5)
  await new Promise(setImmediate)
  assert.deepEqual(broker.frames, ['ack-up-to 6'])
})

test('a hundred jobs that finish in one turn take one frame', async () => {
  const broker = new Broker()
  const acks = new Acks(broker)
  for (let tag = 1; tag <= 100; tag++) {
    broker.open.add(tag)
    acks.opened(tag)
    acks.ack(tag)
  }
  await new Promise(setImmediate)
  assert.deepEqual(broker.frames, ['ack-up-to 100'])
})

test('nothing is written after stop', async () => {
  const broker = new Broker()
  const acks = new Acks(broker)
  broker.open.add(1)
  acks.opened(1)
  acks.ack(1)
  acks.stop()
  acks.flush()
  await new Promise(setImmediate)
  assert.deepEqual(broker.frames, [])
})
