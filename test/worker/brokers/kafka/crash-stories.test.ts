import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Order } from '../../../../worker/brokers/kafka/lanes.ts'
import { type Item, Owner, Partition, seeded } from './owners.ts'

const item = fc.record({ gap: fc.constantFrom(0, 0, 0, 1, 4), key: fc.constantFrom(undefined, 'a', 'b') })
const setting = fc.record({
  logs: fc.array(fc.array(item, { minLength: 1, maxLength: 25, size: 'max' }), { minLength: 1, maxLength: 2 }),
  killers: fc.array(fc.tuple(fc.nat(1), fc.nat(24)), { maxLength: 2 }),
  order: fc.constantFrom<Order>('key', 'key', 'partition', 'none'),
  concurrency: fc.integer({ min: 1, max: 8 }),
  crashLimit: fc.integer({ min: 1, max: 3 }),
  maxSpan: fc.constantFrom(4, 12, 1000),
  seed: fc.integer(),
})
type Setting = typeof setting extends fc.Arbitrary<infer S> ? S : never

interface Odds {
  /** Chances a step. */
  readonly kill: number
  readonly leave: number
  readonly crash: number
  /** See `OwnerOptions`. */
  readonly handOver?: number
}

interface Story {
  readonly partitions: readonly Partition[]
  readonly crashes: number
  /** Owners that moved a watermark while they ran it unisolated. */
  readonly moves: number
  readonly steps: number
}

function partitionsOf({ logs, killers }: Setting): Partition[] {
  return logs.map((log, partition) => {
    let offset = -1
    const items: Item[] = log.map(({ gap, key }, at) => {
      offset += 1 + gap
      return { offset, key, kills: killers.some(([where, which]) => where === partition && which === at) }
    })
    return new Partition(items)
  })
}

/** One owner after the other, until all is settled and committed. */
function play(setting: Setting, odds: Odds): Story {
  const random = seeded(setting.seed)
  const partitions = partitionsOf(setting)
  let [crashes, moves, steps] = [0, 0, 0]
  for (;;) {
    const before = partitions.map(({ position, isolations }) => ({ position, isolations }))
    const owner = new Owner(partitions, { ...setting, ...odds, random })
    let end: 'crashed' | 'left' | undefined
    while (end === undefined && !owner.finished) {
      steps++
      assert.ok(steps < 1_000_000, 'it never ends')
      owner.step()
      if ((owner.isArmed && random() < odds.kill) || random() < odds.crash) end = 'crashed'
      else if (random() < odds.leave) end = 'left'
    }
    if (end === 'left') owner.leave()
    if (end === 'crashed') {
      crashes++
      owner.vanish()
    }
    partitions.forEach(({ position, isolations }, at) => {
      if (position > before[at]!.position && isolations === before[at]!.isolations) moves++
    })
    if (owner.finished) return { partitions, crashes, moves, steps }
  }
}

function judge({ partitions }: Story, mayCondemn: (partition: Partition, item: Item) => boolean): void {
  for (const partition of partitions) {
    for (const item of partition.log) {
      const end = partition.settled.get(item.offset)
      assert.ok(end !== undefined, `${item.offset} was lost`)
      if (item.kills) assert.equal(end, 'dead')
      else assert.ok(end === 'done' || mayCondemn(partition, item), `${item.offset}, a neighbour, was condemned`)
    }
  }
}

const never = (): boolean => false

test('killers, and nothing but killers, are condemned, whenever they strike, in any number of partitions', () => {
  let [steps, crashes] = [0, 0]
  fc.assert(
    fc.property(setting, fc.constantFrom(0.05, 0.2, 1), fc.constantFrom(0, 0, 0.01), (setting, kill, leave) => {
      const story = play(setting, { kill, leave, crash: 0 })
      judge(story, never)
      steps += story.steps
      crashes += story.crashes
    }),
    { numRuns: 4_000 },
  )
  assert.ok(steps > 1_000_000 && crashes > 5_000, `${steps} steps, ${crashes} crashes`)
})

test('a killer costs 2 + the crash limit crashes, 2 more for each time that the watermark moved before, and one a rebalance', () => {
  fc.assert(
    fc.property(
      setting,
      fc.nat(24),
      fc.constantFrom(0.05, 0.2, 1),
      fc.constantFrom(0, 0, 0.01),
      (setting, at, ...odds) => {
        const [kill, leave] = odds
        const logs = setting.logs.slice(0, 1)
        const story = play({ ...setting, logs, killers: [[0, at % logs[0]!.length]] }, { kill, leave, crash: 0 })
        judge(story, never)
        const bound = 2 * story.moves + 2 + setting.crashLimit + story.partitions[0]!.armedHandOvers
        assert.ok(story.crashes <= bound, `${story.crashes} crashes, ${bound} is the bound`)
        assert.ok(story.crashes >= setting.crashLimit)
      },
    ),
    { numRuns: 4_000 },
  )
})

test('a killer at a watermark that does not move costs exactly 2 + the crash limit crashes', () => {
  fc.assert(
    fc.property(setting, (setting) => {
      const story = play(
        { ...setting, logs: [[{ gap: 0, key: 'a' }]], killers: [[0, 0]] },
        { kill: 1, leave: 0, crash: 0 },
      )
      judge(story, never)
      assert.equal(story.crashes, 2 + setting.crashLimit)
    }),
    { numRuns: 200 },
  )
})

test('owners that leave politely never add up, also when they abandon what runs', () => {
  fc.assert(
    fc.property(setting, fc.constantFrom(0.01, 0.03), (setting, leave) => {
      const story = play({ ...setting, killers: [] }, { kill: 0, leave, crash: 0 })
      judge(story, never)
      for (const { isolations } of story.partitions) assert.equal(isolations, 0)
    }),
    { numRuns: 2_000 },
  )
})

test('crashes from outside condemn a record only when as many as the limit met it alone', () => {
  let condemned = 0
  fc.assert(
    fc.property(
      setting,
      fc.constantFrom(0.005, 0.03),
      fc.constantFrom(0, 0.01),
      fc.constantFrom(0.1, 0.8),
      (setting, crash, leave, handOver) => {
        const story = play(setting, { kill: 0.2, leave, crash, handOver })
        judge(story, (partition, { offset }) => {
          condemned++
          return (partition.vanished.get(offset) ?? 0) >= setting.crashLimit
        })
      },
    ),
    { numRuns: 2_000 },
  )
  assert.ok(condemned > 0, 'the case came up')
})

test('without crashes each record runs once, in one owner', () => {
  fc.assert(
    fc.property(setting, (setting) => {
      const story = play({ ...setting, killers: [] }, { kill: 0, leave: 0, crash: 0 })
      judge(story, never)
      for (const { runs, log } of story.partitions) assert.equal(runs, log.length)
    }),
    { numRuns: 300 },
  )
})
