import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Prefix } from '../../../worker/brokers/prefix.ts'

/** The obvious way: a sorted list, walked anew each time. */
class NaivePrefix {
  #open: { number: number; finished: boolean }[] = []

  add(number: number): void {
    this.#open.push({ number, finished: false })
  }

  finish(number: number): boolean {
    const found = this.#open.find((entry) => entry.number === number && !entry.finished)
    if (found === undefined) return false
    found.finished = true
    return true
  }

  advance(): number | undefined {
    let passed: number | undefined
    while (this.#open[0]?.finished) passed = this.#open.shift()!.number
    return passed
  }

  get first(): number | undefined {
    return this.#open[0]?.number
  }

  get runs(): [number, number][] {
    const runs: [number, number][] = []
    this.#open.forEach(({ number, finished }, at) => {
      if (!finished) return
      if (at > 0 && this.#open[at - 1]!.finished) runs.at(-1)![1] = number
      else runs.push([number, number])
    })
    return runs
  }

  get size(): number {
    return this.#open.length
  }
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('add' as const), gap: fc.constantFrom(1, 1, 1, 1, 2, 7, 1000) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('finish' as const), pick: fc.nat(400) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('advance' as const) }) },
)

test('the finished prefix is that of a naive model, for any order of finishing and any gaps', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), fc.integer({ min: -5, max: 2 ** 40 }), (steps, start) => {
      const prefix = new Prefix()
      const naive = new NaivePrefix()
      const added: number[] = []
      for (const move of steps) {
        if (move.kind === 'add') {
          const number = (added.at(-1) ?? start) + move.gap
          added.push(number)
          prefix.add(number)
          naive.add(number)
        } else if (move.kind === 'finish') {
          // Also numbers that were never added, or were passed long ago.
          const number =
            added.length === 0 ? move.pick : added[move.pick % added.length]! + (move.pick % 5 === 0 ? 1 : 0)
          assert.equal(prefix.finish(number), naive.finish(number))
        } else {
          assert.equal(prefix.advance(), naive.advance())
        }
        assert.equal(prefix.first, naive.first)
        assert.equal(prefix.size, naive.size)
        const runs: [number, number][] = []
        prefix.eachRun((lowest, highest) => runs.push([lowest, highest]))
        assert.deepEqual(runs, naive.runs)
        assert.equal(prefix.runs, runs.length)
      }
    }),
    { numRuns: 500 },
  )
})

test('a number that does not rise, or is no safe integer, is refused', () => {
  const prefix = new Prefix()
  prefix.add(5)
  for (const number of [5, 4, -1, 6.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY]) {
    assert.throws(() => prefix.add(number), RangeError)
  }
  prefix.add(6)
  assert.equal(prefix.size, 2)
})

test('a million contiguous numbers finish in constant time each, also behind one that stays open', () => {
  const prefix = new Prefix()
  const begun = performance.now()
  prefix.add(0)
  for (let number = 1; number <= 1_000_000; number++) {
    prefix.add(number)
    if (number > 100) prefix.finish(number - 100)
  }
  const elapsedMs = performance.now() - begun
  assert.equal(prefix.advance(), undefined)
  prefix.finish(0)
  assert.equal(prefix.advance(), 999_900)
  // A search that walked the open numbers would take minutes.
  assert.ok(elapsedMs < 5_000, `expected less than 5 s, got ${elapsedMs} ms`)
})
