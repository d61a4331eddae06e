import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Lanes, type Order, type Taken } from '../../../../worker/brokers/kafka/lanes.ts'

type Item = { offset: number; key: number | undefined; state: 'waiting' | 'running' | 'settled'; freeSince: number }

/** The obvious way: one list, walked anew each time. */
class NaiveLanes {
  items: Item[] = []
  /** Who comes back is before all others. */
  first = -1
  readonly #order: Order
  #clock = 0

  constructor(order: Order) {
    this.#order = order
  }

  add(offset: number, key: number | undefined): void {
    this.items.push({ offset, key, state: 'waiting', freeSince: Number.POSITIVE_INFINITY })
    this.look()
  }

  /** Notes when records came to be free to start. */
  look(): void {
    for (const item of this.items) {
      if (item.state === 'waiting' && item.freeSince === Number.POSITIVE_INFINITY && !this.#blocked(item)) {
        item.freeSince = this.#clock++
      }
    }
  }

  get free(): Item[] {
    return this.items
      .filter(({ state, freeSince }) => state === 'waiting' && freeSince < Number.POSITIVE_INFINITY)
      .sort((one, other) => one.freeSince - other.freeSince)
  }

  get waiting(): Item[] {
    return this.items.filter(({ state }) => state === 'waiting')
  }

  #blocked(item: Item): boolean {
    if (this.#order === 'none') return false
    const before = this.items.filter(({ offset, state }) => offset < item.offset && state !== 'settled')
    if (this.#order === 'partition') return before.length > 0
    return item.key !== undefined && before.some(({ key }) => key === item.key)
  }
}

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      // Some of them share their low bits.
      key: fc.constantFrom(undefined, 0, 1, 1024, 1025, 2 ** 30 - 1),
      pick: fc.nat(2),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('take' as const), key: fc.constant(0), pick: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('oldest' as const), key: fc.constant(0), pick: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('back' as const), key: fc.constant(0), pick: fc.nat() }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('settle' as const), key: fc.constant(0), pick: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('drop' as const), key: fc.constant(0), pick: fc.nat(20) }),
  },
)

for (const order of ['key', 'partition', 'none'] as const) {
  test(`order ${order}: what may start, and which first, is that of a naive model`, () => {
    let steps = 0
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 200, size: 'max' }), (moves) => {
        const lanes = new Lanes<string>(order)
        const naive = new NaiveLanes(order)
        const running: Taken<string>[] = []
        const lost: Taken<string>[] = []
        let offset = 0
        for (const { kind, key, pick } of moves) {
          steps++
          // Now and then only what is below a line may start.
          const line = pick === 0 ? offset - 8 : Number.POSITIVE_INFINITY
          const allows = (at: number): boolean => at < line
          if (kind === 'add') {
            offset += 1 + pick
            lanes.add(offset, key, `record ${offset}`)
            naive.add(offset, key)
          } else if (kind === 'take' || kind === 'oldest') {
            const taken = kind === 'take' ? lanes.take(allows) : lanes.takeOldest(allows)
            const oldest = naive.waiting[0]
            const front = naive.free[0]
            const byAge =
              oldest && oldest.freeSince < Number.POSITIVE_INFINITY && allows(oldest.offset) ? oldest : undefined
            const expected = kind === 'take' && front && allows(front.offset) ? front : byAge
            assert.equal(taken?.offset, expected?.offset)
            if (taken === undefined) continue
            assert.equal(taken.record, `record ${taken.offset}`)
            expected!.state = 'running'
            running.push(taken)
          } else if (kind === 'back') {
            if (lost.length > 0) lanes.giveBack(lost[pick % lost.length]!)
            if (running.length === 0) continue
            const [taken] = running.splice(pick % running.length, 1)
            lanes.giveBack(taken!)
            const item = naive.items.find(({ offset: at }) => at === taken!.offset)!
            item.state = 'waiting'
            item.freeSince = naive.first--
          } else if (kind === 'settle') {
            if (lost.length > 0 && pick % 3 === 0) lanes.settled(lost[pick % lost.length]!)
            if (running.length === 0) continue
            const [taken] = running.splice(pick % running.length, 1)
            lanes.settled(taken!)
            lanes.settled(taken!)
            naive.items.find((item) => item.offset === taken!.offset)!.state = 'settled'
            naive.items = naive.items.filter(({ state }) => state !== 'settled')
            naive.look()
          } else if (pick === 0) {
            assert.deepEqual(
              lanes.drop(),
              naive.waiting.map((item) => `record ${item.offset}`),
            )
            lost.push(...running.splice(0))
            naive.items = []
          }
          assert.equal(lanes.size, naive.waiting.length)
          assert.equal(lanes.oldest, naive.waiting[0]?.offset)
          const held: string[] = []
          lanes.eachHeld((record) => held.push(record) > 0)
          assert.deepEqual(held.sort(), naive.items.map((item) => `record ${item.offset}`).sort())
          const keys = new Set(naive.items.map((item) => item.key).filter((name) => name !== undefined))
          assert.equal(
            lanes.lanes,
            order === 'key' ? keys.size : order === 'none' ? 0 : Math.min(1, naive.items.length),
          )
        }
      }),
      { numRuns: 1_500 },
    )
    assert.ok(steps > 50_000, `expected many steps, got ${steps}`)
  })
}

test('records without a key do not wait for each other, nor for those with one', () => {
  const lanes = new Lanes<number>('key')
  for (const [offset, key] of [
    [1, 7],
    [2, undefined],
    [3, undefined],
    [4, 7],
    [5, 8],
  ] as const) {
    lanes.add(offset, key, offset)
  }
  assert.deepEqual(
    [lanes.take(), lanes.take(), lanes.take(), lanes.take()].map((taken) => taken?.offset),
    [1, 2, 3, 5],
  )
  assert.equal(lanes.take(), undefined, 'the second of key 7 waits')
})

for (const [title, keyOf] of [
  ['of a key each', (at: number) => at],
  ['of one key', () => 7],
  ['of no key', () => undefined],
] as const) {
  test(`a million records ${title} pass in constant time each, and leave nothing behind`, () => {
    const lanes = new Lanes<number>('key')
    const running: Taken<number>[] = []
    const begun = performance.now()
    for (let offset = 0; offset < 1_000_000; offset++) {
      lanes.add(offset, keyOf(offset), offset)
      if (offset < 10_000) continue
      const taken = lanes.take()
      if (taken !== undefined) running.push(taken)
      if (running.length > 100 || taken === undefined || title === 'of one key') lanes.settled(running.pop()!)
    }
    const elapsedMs = performance.now() - begun
    assert.ok(elapsedMs < 5_000, `expected less than 5 s, got ${elapsedMs} ms`)
    for (const taken of running) lanes.settled(taken)
    for (let taken = lanes.take(); taken !== undefined; taken = lanes.take()) lanes.settled(taken)
    assert.deepEqual([lanes.size, lanes.lanes], [0, 0])
  })
}
