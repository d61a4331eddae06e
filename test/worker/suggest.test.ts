import assert from 'node:assert/strict'
import { test } from 'node:test'
import { didYouMean, suggest } from '../../worker/suggest.ts'

const NAMES = ['concurrency', 'readAhead', 'queue', 'work']

test('a word with a letter wrong, missing, doubled or swapped is taken for the name that is near', () => {
  for (const word of ['concurency', 'concurrrency', 'Concurrency', 'cnocurrency'])
    assert.equal(suggest(word, NAMES), 'concurrency')
  assert.equal(suggest('wrok', NAMES), 'work')
})

test('a word that is near to nothing gets no suggestion', () => {
  assert.equal(suggest('banana', NAMES), undefined)
  assert.equal(suggest('', NAMES), undefined)
  assert.equal(didYouMean(undefined), '')
})

test('of several near names the nearest is meant', () => {
  assert.equal(suggest('queues', ['quest', 'queue', 'queued!']), 'queue')
})
