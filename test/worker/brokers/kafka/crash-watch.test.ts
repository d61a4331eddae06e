import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CrashWatch } from '../../../../worker/brokers/kafka/crash-watch.ts'
import type { Order } from '../../../../worker/brokers/kafka/lanes.ts'
import { type Marks, NO_MARKS } from '../../../../worker/brokers/kafka/metadata.ts'
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

const ISOLATED: Marks = { beginnings: 0, isolated: true, end: 20, named: undefined }

function watchOf(restored: Marks): CrashWatch {
  return new CrashWatch({ restored, crashLimit: 3, reach: 4 })
}

/** As if the broker had taken a commit at this watermark. */
function commit(watch: CrashWatch, position: number): Marks {
  const marks = watch.marksAt(position)
  watch.committed(marks, position)
  assert.equal(watch.dirty(position), false)
  return marks
}

test('a beginning is in a commit before the first record starts, and in none once the watermark has moved', () => {
  const watch = watchOf(NO_MARKS)
  assert.deepEqual([watch.admit(10, 10), watch.dirty(10)], ['wait', false])
  watch.begin(100)
  assert.deepEqual([watch.admit(10, 10), watch.dirty(10)], ['commit', true])
  // Offsets without a record are no progress.
  assert.deepEqual(commit(watch, 12), { ...NO_MARKS, beginnings: 1 })
  assert.equal(watch.admit(99, 12), 'start', 'any record may start')
  assert.equal(watch.dirty(12), false)
  watch.settled(12)
  assert.deepEqual(commit(watch, 13), NO_MARKS)
})

test('after an unclean beginning records start below an offset that was announced, twice as far each time', () => {
  const watch = watchOf({ ...NO_MARKS, beginnings: 1 })
  watch.begin(100)
  assert.equal(watch.admit(10, 10), 'commit')
  assert.deepEqual(commit(watch, 10), { ...NO_MARKS, beginnings: 2, end: 14 })
  assert.deepEqual([watch.admit(10, 10), watch.admit(13, 10), watch.admit(14, 10)], ['start', 'start', 'commit'])
  assert.equal(watch.admit(13, 10), 'start', 'what was announced still counts')
  assert.deepEqual(commit(watch, 10), { ...NO_MARKS, beginnings: 2, end: 22 })
  assert.deepEqual([watch.admit(21, 10), watch.admit(22, 10)], ['start', 'commit'])
  watch.settled(10)
  assert.deepEqual(commit(watch, 11), NO_MARKS)
  assert.equal(watch.admit(90, 11), 'start')
})

test('after two unclean beginnings records run alone up to what was announced, and the end of that is committed', () => {
  const watch = watchOf({ ...NO_MARKS, beginnings: 2, end: 20 })
  watch.begin(12)
  assert.deepEqual([watch.isolated, watch.holds], [true, false])
  assert.equal(watch.admit(10, 10), 'commit')
  assert.deepEqual(commit(watch, 10), { ...ISOLATED, end: 12, named: { offset: 10, starts: 1 } })
  assert.deepEqual([watch.admit(10, 10), watch.admit(11, 10), watch.holds], ['start', 'wait', true])
  watch.settled(10)
  assert.equal(watch.holds, true, 'the broker still has it named')
  assert.equal(watch.admit(11, 11), 'commit')
  commit(watch, 11)
  assert.equal(watch.admit(11, 11), 'start')
  watch.settled(11)
  assert.equal(watch.admit(12, 12), 'commit', 'a crash now would be blamed on 11')
  assert.deepEqual(commit(watch, 12), NO_MARKS)
  assert.deepEqual(
    [watch.isolated, watch.holds, watch.admit(12, 12), watch.admit(50, 12)],
    [false, false, 'start', 'start'],
  )
})

test('a record left named as often as the limit is condemned by the next owner, and by the one after if need be', () => {
  const named = { offset: 10, starts: 3 }
  const watch = watchOf({ ...ISOLATED, named })
  watch.begin(100)
  assert.equal(watch.admit(10, 10), 'condemn')
  assert.deepEqual(watch.marksAt(10).named, named)
  watch.leave()
  assert.deepEqual(watch.marksAt(10).named, named, 'a drain does not pardon')
  watch.settled(10)
  assert.deepEqual(watch.marksAt(11), ISOLATED)
})

test('leaving withdraws what this owner marked, and no more', () => {
  const cases: [restored: Marks, position: number, expected: Marks][] = [
    [NO_MARKS, 10, NO_MARKS],
    [NO_MARKS, 11, NO_MARKS],
    [{ ...NO_MARKS, beginnings: 1 }, 10, { ...NO_MARKS, beginnings: 1 }],
    [{ ...NO_MARKS, beginnings: 1 }, 11, NO_MARKS],
    [ISOLATED, 10, ISOLATED],
    [{ ...ISOLATED, named: { offset: 10, starts: 2 } }, 10, { ...ISOLATED, named: { offset: 10, starts: 2 } }],
  ]
  for (const [restored, position, expected] of cases) {
    const watch = watchOf(restored)
    watch.begin(100)
    assert.equal(watch.admit(10, 10), 'commit')
    commit(watch, 10)
    assert.equal(watch.admit(10, 10), 'start')
    watch.leave()
    if (position > 10) watch.settled(10)
    assert.deepEqual(watch.marksAt(position), expected)
    assert.equal(watch.admit(11, 10), 'wait')
  }
})

test('an owner that starts nothing hands on what it found', () => {
  const restored = { ...ISOLATED, named: { offset: 10, starts: 2 } }
  for (const begins of [false, true]) {
    const watch = watchOf(restored)
    if (begins) watch.begin(100)
    assert.deepEqual(watch.marksAt(10), restored)
    watch.leave()
    assert.deepEqual(watch.marksAt(10), restored)
    assert.equal(watch.dirty(10), false)
  }
})

test('what runs on through a hand-over leaves no mark behind on what comes after it', () => {
  const named = { offset: 10, starts: 2 }
  const cases: [restored: Marks, expected: Marks][] = [
    [{ ...NO_MARKS, beginnings: 1 }, NO_MARKS],
    [{ ...NO_MARKS, beginnings: 2, end: 14 }, NO_MARKS],
    [{ ...ISOLATED, named }, ISOLATED],
    [{ ...ISOLATED, end: 11, named }, NO_MARKS],
  ]
  for (const [restored, expected] of cases) {
    const watch = watchOf(restored)
    watch.settled(12)
    assert.deepEqual(watch.marksAt(10), restored, 'the watermark has not moved')
    watch.settled(10)
    assert.deepEqual(commit(watch, 11), expected)
  }
})

test('a named record that the log no longer holds is forgotten', () => {
  const watch = watchOf({ ...ISOLATED, named: { offset: 10, starts: 3 } })
  watch.begin(100)
  assert.equal(watch.admit(12, 12), 'commit')
  assert.deepEqual(commit(watch, 12).named, { offset: 12, starts: 1 })
})
