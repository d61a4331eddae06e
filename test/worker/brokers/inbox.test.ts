import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Inbox } from '../../../worker/brokers/inbox.ts'

type Step = 'push' | 'pull' | 'poll' | 'pause' | 'resume' | 'remove' | 'end'
const steps = fc.array(
  fc.constantFrom<Step>('push', 'push', 'push', 'push', 'pull', 'pull', 'poll', 'pause', 'resume', 'remove', 'end'),
  { maxLength: 200 },
)

/** Pulls and items as two lists, matched anew after each step. */
class NaiveInbox {
  waiting: number[] = []
  pulls = 0
  yielded: (number | 'end')[] = []
  paused = false
  ended = false

  apply(step: Step, item: number): number[] {
    let out: number[] = []
    if (step === 'push' && !this.ended) this.waiting.push(item)
    if (step === 'pull') this.pulls++
    if (step === 'poll' && !this.paused && !this.ended) out = this.waiting.splice(0, 1)
    if (step === 'pause') this.paused = true
    if (step === 'resume') this.paused = false
    if (step === 'remove') {
      out = this.waiting.filter((waiting) => waiting % 3 === 0)
      this.waiting = this.waiting.filter((waiting) => waiting % 3 !== 0)
    }
    if (step === 'end') {
      this.ended = true
      out = this.waiting.splice(0)
    }
    while (this.pulls > 0 && (this.ended || (!this.paused && this.waiting.length > 0))) {
      this.pulls--
      this.yielded.push(this.ended ? 'end' : this.waiting.shift()!)
    }
    return out
  }
}

test('items are yielded in order, once, to as many pulls, as by a naive model', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const inbox = new Inbox<number>()
      const naive = new NaiveInbox()
      const yielded: (number | 'end')[] = []
      let item = 0
      for (const step of all) {
        item++
        const expected = naive.apply(step, item)
        if (step === 'push') assert.equal(inbox.push(item), !naive.ended)
        if (step === 'pull') void inbox.next().then((result) => yielded.push(result.done ? 'end' : result.value))
        if (step === 'pause') inbox.pause()
        if (step === 'resume') inbox.resume()
        if (step === 'remove')
          assert.deepEqual(
            inbox.remove((waiting) => waiting % 3 === 0),
            expected,
          )
        if (step === 'end') assert.deepEqual(inbox.end(), expected)
        if (step === 'poll') assert.deepEqual(inbox.poll(), expected[0])
        assert.equal(inbox.size, naive.waiting.length)
        assert.equal(inbox.ended, naive.ended)
      }
      await new Promise(setImmediate)
      assert.deepEqual(yielded, naive.yielded)
    }),
    { numRuns: 300 },
  )
})

test('a loop over the inbox gets what was pushed before and during, and ends', async () => {
  const inbox = new Inbox<number>()
  for (let item = 0; item < 3_000; item++) inbox.push(item)
  const seen: number[] = []
  for await (const item of inbox) {
    seen.push(item)
    if (item < 1_000) inbox.push(3_000 + item)
    if (item === 3_999) inbox.end()
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 4_000 }, (_, item) => item),
  )
})

test('what a loop has taken is not kept', () => {
  const inbox = new Inbox<object>()
  for (let round = 0; round < 10_000; round++) {
    inbox.push({})
    inbox.push({})
    void inbox.next()
  }
  assert.equal(inbox.size, 10_000)
  assert.equal(inbox.end().length, 10_000)
})
