import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { planOf } from './load/plan.ts'
import { STRIKES, strikesOf } from './load/strikes.ts'
import { arrivalsOf, parseTrace, TRACES, type TraceName } from './load/trace.ts'

const timesOf = (name: TraceName, jobs: number, rate = 100, seed = 1) =>
  arrivalsOf(name, { jobs, rate, seed }).map(({ atMs }) => atMs)

const options = fc.record({
  jobs: fc.integer({ min: 1, max: 400 }),
  rate: fc.integer({ min: 1, max: 500 }),
  seed: fc.nat(),
})

test('every trace has its jobs, ascending, within jobs / rate seconds, and the same again for the same seed', () => {
  fc.assert(
    fc.property(fc.constantFrom(...TRACES), options, (name, { jobs, rate, seed }) => {
      const times = timesOf(name, jobs, rate, seed)
      assert.equal(times.length, jobs)
      assert.deepEqual(
        times,
        times.toSorted((one, other) => one - other),
      )
      assert.ok(times[0]! >= 0 && times.at(-1)! <= (jobs / rate) * 1_000)
      assert.deepEqual(timesOf(name, jobs, rate, seed), times)
    }),
  )
})

test('a steady trace has one job in every interval, another seed another place in it', () => {
  const times = timesOf('steady', 500)
  assert.deepEqual(
    times.map((atMs) => Math.floor(atMs / 10)),
    times.map((_, index) => index),
  )
  assert.notDeepEqual(timesOf('steady', 500, 100, 2), times)
})

test('a burst trace sends its jobs in five bursts of ten times the rate, with silence between', () => {
  const times = timesOf('burst', 500)
  const gaps = times.slice(1).map((atMs, index) => atMs - times[index]!)
  assert.equal(gaps.filter((gap) => gap > 800).length, 4)
  assert.ok(times[99]! <= 100, `the first hundred took ${times[99]} ms`)
})

test('the second half of a ramp has three times the jobs of the first', () => {
  const times = timesOf('ramp', 1_000)
  const first = times.filter((atMs) => atMs < 5_000).length
  assert.ok(Math.abs(first - 250) <= 2, `${first} in the first half`)
})

test('a trace file has numbers or objects, in any order and from any origin', () => {
  const text = '1500\n{"t": 1000.5, "key": "a", "payload": {"n": 1}}\n\n2000\n'
  assert.deepEqual(parseTrace(text, 'trace'), [
    { atMs: 0, key: 'a', payload: { n: 1 } },
    { atMs: 499.5 },
    { atMs: 999.5 },
  ])
})

test('the page of the jobs that were enqueued is a trace: it replays that run', () => {
  const page = [0, 40, 90].map((t) => JSON.stringify({ id: `j-${t}`, pid: 1, t: 1_700_000_000_000 + t })).join('\n')
  assert.deepEqual(parseTrace(page, 'page'), [{ atMs: 0 }, { atMs: 40 }, { atMs: 90 }])
})

for (const [line, got] of [
  ['soon', '"soon"'],
  ['{"at": 5}', '{"at": 5}'],
  ['{"t": "5"}', '{"t": "5"}'],
  ['{"t": 5, "key": 7}', '{"t": 5, "key": 7}'],
  ['null', 'null'],
] as const) {
  test(`a trace with the line ${line} is refused, and the line is named`, () => {
    assert.throws(() => parseTrace(`10\n${line}\n`, 'trace'), {
      code: 'USAGE',
      message: `trace, line 2: expected a number of ms or {"t": ms}, got ${got}`,
    })
  })
}

test('a trace without a line is refused', () => {
  assert.throws(() => parseTrace('\n \n', 'trace'), /expected a trace, got no line at all/)
})

test('a plan gives each job its payload and a key, and its poison lies evenly', () => {
  const arrivals = arrivalsOf('steady', { jobs: 100, rate: 100, seed: 1 })
  const plan = planOf({ arrivals, payloadOf: (index) => index, keys: 7, poison: 4, seed: 1 })
  assert.deepEqual(
    plan.map(({ payload }) => payload),
    Array.from({ length: 100 }, (_, index) => index),
  )
  assert.equal(new Set(plan.map(({ key }) => key)).size, 7)
  const poisoned = plan.flatMap(({ isPoison }, index) => (isPoison ? [index] : []))
  assert.deepEqual(poisoned, [12, 37, 62, 87])
})

test('what a trace says of a job goes before what the load has for it', () => {
  const arrivals = [{ atMs: 0, key: 'own', payload: { own: true } }, { atMs: 1 }]
  const plan = planOf({ arrivals, payloadOf: () => 'made', keys: 0, poison: 0, seed: 1 })
  assert.deepEqual(plan, [
    { atMs: 0, key: 'own', payload: { own: true }, isPoison: false },
    { atMs: 1, key: undefined, payload: 'made', isPoison: false },
  ])
})

test('strikes lie evenly over the middle of a run, as many of each kind as were asked for, in an order of the seed', () => {
  const count = fc.nat(5)
  fc.assert(
    fc.property(fc.record({ kill: count, term: count, restart: count, cut: count }), fc.nat(), (counts, seed) => {
      const strikes = strikesOf(counts, seed)
      for (const kind of STRIKES) assert.equal(strikes.filter(({ strike }) => strike === kind).length, counts[kind])
      const shares = strikes.map(({ after }) => after)
      assert.deepEqual(
        shares,
        shares.toSorted((one, other) => one - other),
      )
      assert.ok(shares.every((share) => share > 0.1 && share < 0.9))
      assert.deepEqual(strikesOf(counts, seed), strikes)
    }),
  )
  const orders = new Set(
    [1, 2, 3, 4].map((seed) => JSON.stringify(strikesOf({ kill: 3, term: 3, restart: 1, cut: 1 }, seed))),
  )
  assert.ok(orders.size > 1)
})
