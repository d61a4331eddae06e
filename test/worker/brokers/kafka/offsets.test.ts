import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decode, METADATA_BYTES, NO_MARKS } from '../../../../worker/brokers/kafka/metadata.ts'
import { type Commit, Offsets } from '../../../../worker/brokers/kafka/offsets.ts'

/** The obvious way: what the log holds, what was delivered and what is finished, walked anew each time. */
class NaiveOffsets {
  readonly log: number[] = []
  readonly done = new Set<number>()
  delivered = 0
  seen: number

  constructor(start: number) {
    this.seen = start
  }

  get position(): number {
    const open = this.log.slice(0, this.delivered).find((offset) => offset >= this.from && !this.done.has(offset))
    return open ?? this.seen
  }

  from = 0

  /** What a new owner begins with: all that it has not yet seen. */
  restart(position: number): void {
    this.from = position
    this.seen = position
    this.delivered = this.log.filter((offset) => offset < position).length
  }

  doneFrom(position: number): number[] {
    return this.log.filter((offset) => offset >= position && this.done.has(offset))
  }
}

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('deliver' as const), pick: fc.constantFrom(0, 0, 0, 0, 1, 5, 300) }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('finish' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('tail' as const), pick: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('commit' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), pick: fc.nat() }) },
)

test('position, metadata and what a next owner skips are those of a naive model, for any interleaving', () => {
  let steps = 0
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 20, maxLength: 250, size: 'max' }),
      fc.integer({ min: 0, max: 2 ** 40 }),
      (moves, start) => {
        const naive = new NaiveOffsets(start)
        let offsets = new Offsets({ position: start, finished: [], maxSpan: 1e6 })
        let committed: { position: number; metadata: string } = { position: start, metadata: '' }
        let taken: Commit | undefined
        let open: number[] = []
        let tail = start
        for (const { kind, pick } of moves) {
          steps++
          if (kind === 'deliver') {
            // A new owner first gets again what the log holds already, from its position on.
            let offset = naive.log[naive.delivered]
            if (offset === undefined) {
              offset = Math.max(naive.seen, tail) + pick
              naive.log.push(offset)
            }
            naive.delivered++
            naive.seen = offset + 1
            const toRun = offsets.delivered(offset)
            // Since the last owner only what its commit claims counts as done.
            assert.equal(toRun, !naive.done.has(offset), `${offset}`)
            if (toRun) open.push(offset)
          } else if (kind === 'finish' && open.length > 0) {
            const [offset] = open.splice(pick % open.length, 1)
            assert.equal(offsets.finished(offset!), true)
            assert.equal(offsets.finished(offset!), false, 'once only')
            naive.done.add(offset!)
          } else if (kind === 'tail' && naive.delivered === naive.log.length) {
            tail = Math.max(naive.seen + pick, tail)
            offsets.seenUpTo(tail - 1)
            naive.seen = Math.max(naive.seen, tail)
          } else if (kind === 'commit') {
            taken = offsets.commit(() => NO_MARKS)!
            const { finished, fault } = decode(taken.position, taken.metadata)
            assert.equal(fault, undefined)
            const claimed = naive.log.filter((at) => finished.some(({ start, end }) => at >= start && at < end))
            const done = naive.doneFrom(taken.position)
            if (taken.forgotten === 0) assert.deepEqual(claimed, done)
            else assert.ok(claimed.every((at, index) => at === done[index]))
          } else if (kind === 'acknowledge' && taken !== undefined) {
            committed = taken
            offsets.committed(taken)
            const late = offsets.commit(() => NO_MARKS)!.completions - taken.completions
            assert.equal(offsets.uncommitted, late)
            assert.equal(offsets.dirty, late > 0 || offsets.position !== taken.position)
            taken = undefined
          } else if (kind === 'crash') {
            const { finished } = decode(committed.position, committed.metadata)
            // What nobody committed is forgotten: it runs again.
            for (const at of naive.doneFrom(committed.position)) {
              if (!finished.some(({ start, end }) => at >= start && at < end)) naive.done.delete(at)
            }
            naive.restart(committed.position)
            offsets = new Offsets({ position: committed.position, finished, maxSpan: 1e6 })
            taken = undefined
            open = []
          }
          assert.equal(offsets.position, naive.position)
          const lost = naive.log.find((at) => at < offsets.position && !naive.done.has(at))
          assert.equal(lost, undefined, `the position ${offsets.position} passed ${lost}, which has not finished`)
        }
      },
    ),
    { numRuns: 3_000 },
  )
  assert.ok(steps > 100_000, `expected many steps, got ${steps}`)
})

test('the position is right after each step of every order in which nine records can finish, gaps among them', () => {
  const log = [0, 1, 2, 5, 6, 7, 11, 12, 13]
  let orders = 0
  const permute = (order: number[], size: number): void => {
    if (size === 1) {
      orders++
      run(order)
      return
    }
    for (let at = 0; at < size; at++) {
      permute(order, size - 1)
      const other = size % 2 === 0 ? at : 0
      ;[order[other], order[size - 1]] = [order[size - 1]!, order[other]!]
    }
  }
  const run = (order: readonly number[]): void => {
    const offsets = new Offsets({ position: 0, finished: [], maxSpan: 100 })
    for (const offset of log) offsets.delivered(offset)
    let done = 0
    for (const at of order) {
      offsets.finished(log[at]!)
      done |= 1 << at
      const first = 31 - Math.clz32(~done & -~done)
      const expected = first === log.length ? 14 : log[first]
      if (offsets.position !== expected) assert.equal(offsets.position, expected, `order ${order}`)
    }
  }
  permute([...log.keys()], log.length)
  assert.equal(orders, 362_880)
})

test('a tail of control records moves the position only when all before it has finished', () => {
  const offsets = new Offsets({ position: 10, finished: [], maxSpan: 100 })
  offsets.delivered(10)
  offsets.seenUpTo(13)
  assert.equal(offsets.position, 10)
  offsets.finished(10)
  assert.equal(offsets.position, 14)
  assert.equal(offsets.dirty, true)
})

test('what an earlier owner finished stays in the metadata until this one has passed it', () => {
  const offsets = new Offsets({ position: 0, finished: [{ start: 1, end: 501 }], maxSpan: 1_000 })
  assert.equal(offsets.delivered(0), true)
  for (let offset = 1; offset < 100; offset++) assert.equal(offsets.delivered(offset), false)
  const { position, metadata } = offsets.commit(() => NO_MARKS)!
  assert.deepEqual([position, decode(position, metadata).finished], [0, [{ start: 1, end: 501 }]])
  offsets.finished(0)
  assert.equal(offsets.position, 100)
  assert.equal(offsets.uncommitted, 1, 'what was skipped was not done by this owner')
  const later = offsets.commit(() => NO_MARKS)!
  assert.deepEqual(decode(later.position, later.metadata).finished, [{ start: 100, end: 501 }])
})

test('no record starts as far as the span past the position, but the one at the position always may', () => {
  const offsets = new Offsets({ position: 0, finished: [], maxSpan: 10 })
  for (let offset = 0; offset < 20; offset++) offsets.delivered(offset)
  assert.equal(offsets.full, true)
  assert.deepEqual([offsets.allows(0), offsets.allows(9), offsets.allows(10)], [true, true, false])
  for (let offset = 1; offset < 10; offset++) offsets.finished(offset)
  assert.deepEqual([offsets.span, offsets.allows(0), offsets.allows(10)], [10, true, false])
  offsets.finished(0)
  assert.deepEqual([offsets.position, offsets.allows(19)], [10, true])
})

test('the next record may start where none is open, however wide the gap before it and however full the metadata', () => {
  const restored = Array.from({ length: 1_400 }, (_, at) => ({ start: 2 * at + 5, end: 2 * at + 6 }))
  const offsets = new Offsets({ position: 0, finished: restored, maxSpan: 10 })
  assert.deepEqual([offsets.full, offsets.allows(50_000)], [true, true])
  assert.equal(offsets.delivered(50_000), true)
  assert.deepEqual([offsets.position, offsets.allows(50_000), offsets.allows(50_010)], [50_000, true, false])
})

test('metadata that grow full stop what is new, leave room for what runs, and never exceed the limit', () => {
  const offsets = new Offsets({ position: 0, finished: [], maxSpan: 1e6 })
  const last = 20_000
  for (let offset = 0; offset <= last; offset++) offsets.delivered(offset)
  // Every second record hangs: the worst pattern for runs.
  let started = 0
  while (started + 2 <= last && offsets.allows(started + 2)) {
    started += 2
    offsets.finished(started - 1)
  }
  assert.equal(offsets.full, true)
  const { metadata, forgotten } = offsets.commit(() => NO_MARKS)!
  assert.equal(forgotten, 0)
  assert.ok(metadata.length > METADATA_BYTES * 0.6 && metadata.length <= METADATA_BYTES * 0.75, `${metadata.length}`)
  assert.equal(offsets.allows(0), true, 'the way out')
  // Three hundred that were running finish all the same, and all fit.
  for (let more = 0; more < 300; more++) offsets.finished((started += 2) - 1)
  assert.equal(offsets.commit(() => NO_MARKS)!.forgotten, 0)
  // Three thousand do not: the highest are forgotten, nothing is claimed that is not so.
  for (let more = 0; more < 3_000; more++) offsets.finished((started += 2) - 1)
  const over = offsets.commit(() => NO_MARKS)!
  assert.ok(over.forgotten > 0 && over.metadata.length <= METADATA_BYTES)
  const { finished } = decode(over.position, over.metadata)
  assert.ok(finished.every(({ start, end }) => start % 2 === 1 && end === start + 1))
  // Served one at a time from the position, the partition comes free again.
  let turns = 0
  for (; offsets.full; turns++) offsets.finished(offsets.position)
  assert.ok(turns > 1_000 && turns < 4_000, `${turns}`)
})

test('a commit that fails is as if it had not been taken', () => {
  const offsets = new Offsets({ position: 0, finished: [], maxSpan: 10 })
  offsets.delivered(0)
  offsets.finished(0)
  offsets.commit(() => NO_MARKS)
  assert.deepEqual([offsets.dirty, offsets.uncommitted], [true, 1])
  const commit = offsets.commit((position) => ({ ...NO_MARKS, beginnings: position }))!
  assert.deepEqual([commit.position, decode(1, commit.metadata).marks.beginnings], [1, 1])
  offsets.committed(commit)
  assert.deepEqual([offsets.dirty, offsets.uncommitted], [false, 0])
})

test('after the end of the assignment nothing finishes and nothing is committed', () => {
  const offsets = new Offsets({ position: 0, finished: [], maxSpan: 10 })
  offsets.delivered(0)
  offsets.delivered(1)
  offsets.finished(0)
  offsets.end()
  assert.equal(offsets.finished(1), false)
  assert.equal(
    offsets.commit(() => NO_MARKS),
    undefined,
  )
  assert.deepEqual([offsets.dirty, offsets.allows(1)], [false, false])
})

test('an offset that does not rise is refused', () => {
  const offsets = new Offsets({ position: 5, finished: [], maxSpan: 10 })
  offsets.delivered(5)
  for (const offset of [5, 4, 6.5, Number.NaN]) assert.throws(() => offsets.delivered(offset), RangeError)
})

test('what is no offset is nothing to begin from', () => {
  for (const position of [Number.NaN, 1.5, Number.POSITIVE_INFINITY]) {
    assert.throws(() => new Offsets({ position, finished: [], maxSpan: 10 }), RangeError)
  }
})

test('a million records behind one that hangs take constant time each', () => {
  const offsets = new Offsets({ position: 0, finished: [], maxSpan: 2e6 })
  offsets.delivered(0)
  const begun = performance.now()
  for (let offset = 1; offset <= 1_000_000; offset++) {
    offsets.delivered(offset)
    if (offset > 100 && offsets.allows(offset)) offsets.finished(offset - 100)
  }
  const elapsedMs = performance.now() - begun
  assert.ok(elapsedMs < 5_000, `expected less than 5 s, got ${elapsedMs} ms`)
  offsets.finished(0)
  assert.equal(offsets.position, 999_901)
})
