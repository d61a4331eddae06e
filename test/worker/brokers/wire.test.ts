import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cutText, errorHeader, integerIn } from '../../../worker/brokers/wire.ts'

test('a text is cut to its bytes, never within a character, and is a beginning of what it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.integer({ min: 4, max: 60 }), (text, most) => {
      const whole = text.toWellFormed()
      const cut = cutText(whole, most)
      assert.ok(Buffer.byteLength(cut) <= most && whole.startsWith(cut))
      if (cut !== whole) assert.ok(Buffer.byteLength(whole) > most && Buffer.byteLength(cut) > most - 4)
    }),
  )
})

test('a number in a header is a whole one within its bounds, or none', () => {
  const cases: readonly (readonly [value: unknown, expected: number | undefined])[] = [
    ['7', 7],
    [7.9, 7],
    ['-7', 1],
    ['99999', 100],
    ['1e3', undefined],
    ['9'.repeat(17), undefined],
    ['', undefined],
    [' 7', undefined],
    [Number.NaN, undefined],
    [Number.POSITIVE_INFINITY, undefined],
    [null, undefined],
    [{}, undefined],
  ]
  for (const [value, expected] of cases) assert.equal(integerIn(value, 1, 100), expected, String(value))
})

test('the text of an error is bounded in a header', () => {
  assert.equal(errorHeader(undefined), undefined)
  assert.equal(errorHeader('short'), 'short')
  assert.equal(Buffer.byteLength(errorHeader('x'.repeat(10_000))!), 2_048)
})
