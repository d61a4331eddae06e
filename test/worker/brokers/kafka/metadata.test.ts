import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type CommitState,
  decode,
  encode,
  lengthBound,
  METADATA_BYTES,
  NO_MARKS,
  type Run,
} from '../../../../worker/brokers/kafka/metadata.ts'

const position = fc.oneof(fc.nat(1000), fc.integer({ min: 0, max: 2 ** 50 }))
const size = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 3 }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 300 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 100_000 }) },
)
const pairsUpTo = (maxLength: number) => fc.array(fc.tuple(size, size), { maxLength, size: 'max' })
const marks = fc.record({
  beginnings: fc.nat(300),
  isolated: fc.boolean(),
  end: fc.option(fc.nat(20_000), { nil: undefined }),
  named: fc.option(fc.record({ offset: fc.nat(20_000), starts: fc.integer({ min: 1, max: 300 }) }), { nil: undefined }),
})
type Pick = { at: number; pairs: [number, number][]; relative: CommitState['marks']; touches: boolean }
const picksUpTo = (runs: number) =>
  fc.record({ at: position, pairs: pairsUpTo(runs), relative: marks, touches: fc.boolean() })

/** Rising runs that do not touch; the first may begin at the position itself. */
function stateOf({ at, pairs, relative, touches }: Pick): CommitState {
  const finished: Run[] = []
  let reached = at - (touches && pairs.length > 0 ? pairs[0]![0] : 0)
  for (const [gap, length] of pairs) {
    finished.push({ start: reached + gap, end: reached + gap + length })
    reached += gap + length
  }
  const { end, named } = relative
  return {
    finished,
    marks: {
      ...relative,
      end: end === undefined ? undefined : at + end,
      named: named && { ...named, offset: at + named.offset },
    },
  }
}

test('what is read is what was written, or less of what was finished, within the limit and its bound', () => {
  fc.assert(
    fc.property(picksUpTo(2_500), fc.constantFrom(METADATA_BYTES, 400, 80), (pick, limit) => {
      const state = stateOf(pick)
      const { text, forgotten } = encode(pick.at, state, limit)
      assert.ok(text.length <= limit, `${text.length} characters`)
      assert.match(text, /^tm1:[A-Za-z0-9_-]+$/)
      const read = decode(pick.at, text)
      assert.equal(read.fault, undefined)
      assert.deepEqual(read.marks, state.marks)
      assert.deepEqual(read.finished, state.finished.slice(0, state.finished.length - forgotten))
      const span = (state.finished.at(-1)?.end ?? pick.at) - pick.at
      const bound = lengthBound(state.finished.length, span)
      if (forgotten === 0) assert.ok(text.length <= bound, `${text.length} > ${bound}`)
      else assert.ok(bound > limit)
    }),
    { numRuns: 500 },
  )
})

test('a text with a character changed, cut or added is read as it was written or not at all', () => {
  fc.assert(
    fc.property(picksUpTo(20), fc.nat(), fc.string({ maxLength: 2 }), (pick, place, other) => {
      const state = stateOf(pick)
      const { text } = encode(pick.at, state)
      const at = place % text.length
      const changed = text.slice(0, at) + other + text.slice(at + 1)
      const read = decode(pick.at, changed)
      if (read.fault === undefined && changed !== '') assert.deepEqual({ ...state, fault: undefined }, read)
      else assert.deepEqual([read.finished, read.marks], [[], NO_MARKS])
    }),
    { numRuns: 5_000 },
  )
})

test('metadata of another offset are not believed', () => {
  const { text } = encode(7, { finished: [{ start: 8, end: 20 }], marks: NO_MARKS })
  assert.equal(decode(7, text).fault, undefined)
  for (const at of [0, 6, 8, 70])
    assert.deepEqual(decode(at, text), { finished: [], marks: NO_MARKS, fault: 'damaged' })
})

test('nothing, and what others wrote, is nothing known; the latter is said', () => {
  const nothing = { finished: [], marks: NO_MARKS }
  for (const none of ['', null, undefined]) assert.deepEqual(decode(3, none), { ...nothing, fault: undefined })
  assert.deepEqual(decode(3, 'tm2:AAAAAA'), { ...nothing, fault: 'version' })
  for (const damaged of ['tm1:', 'tm1:AAAA', 'tm1:AAAAAA', 'tm1:%%%', 'tm1:\u0000']) {
    assert.deepEqual(decode(3, damaged), { ...nothing, fault: 'damaged' })
  }
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (text) => {
      assert.deepEqual(decode(3, text), { ...nothing, fault: 'foreign' })
    }),
  )
})

const GOLDEN = 'tm1:pOU4SgcA2AQAAgH0Aw'

test('the format is what it was', () => {
  const state = {
    finished: [{ start: 1001, end: 1501 }],
    marks: { beginnings: 0, isolated: true, end: 1600, named: { offset: 1000, starts: 2 } },
  }
  const { text } = encode(1000, state)
  assert.equal(text, GOLDEN)
  assert.deepEqual(decode(1000, GOLDEN), { ...state, fault: undefined })
})
