import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Pace } from '../../../../worker/brokers/kafka/pace.ts'

test('what is left lasts for as long as it takes to use it at the pace of late', () => {
  const pace = new Pace()
  assert.equal(pace.lastsMs(1_000, 0), 0, 'nothing is known before the second look')
  pace.use(500)
  assert.equal(pace.lastsMs(1_000, 100), 200)
  pace.use(1_000)
  assert.equal(pace.lastsMs(1_000, 200), 100)
})

test('after a halt the pace that was is believed less with every look', () => {
  const pace = new Pace()
  pace.lastsMs(1_000, 0)
  pace.use(1_000)
  const looks = [100, 200, 300, 400].map((nowMs) => pace.lastsMs(1_000, nowMs))
  assert.deepEqual(looks, [100, 200, 400, 800])
})

test('what nobody uses lasts for ever', () => {
  const pace = new Pace()
  pace.lastsMs(1, 0)
  assert.equal(pace.lastsMs(1, 10), Number.POSITIVE_INFINITY)
})

test('with any steady pace, who looks again when it says so finds all used and no more, whatever the first looks were', () => {
  const amount = fc.integer({ min: 1, max: 1_000_000 })
  const looks = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 10 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), amount, looks, (aMs, left, steps) => {
      const pace = new Pace()
      let nowMs = 0
      pace.lastsMs(left, nowMs)
      let lasts = 0
      for (const stepMs of steps) {
        pace.use(stepMs * aMs)
        nowMs += stepMs
        lasts = pace.lastsMs(left, nowMs)
      }
      assert.ok(Math.abs(lasts * aMs - left) <= left * 1e-9, `${lasts} ms at ${aMs} a ms for ${left}`)
    }),
  )
})
