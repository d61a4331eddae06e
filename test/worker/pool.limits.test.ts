import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineJob } from '../../worker/define.ts'
import { gate, poolOf } from '../helpers/pool.ts'
import { FakeDelivery, FakeSource } from '../helpers/source.ts'

test('a type with a limit never takes more than its share, and the others go on', async () => {
  const open = gate()
  let slow = 0
  const jobs = [
    defineJob({
      type: 'slow',
      maxConcurrent: 1,
      async handler() {
        assert.equal(++slow, 1)
        await open.promise
        slow--
      },
    }),
    defineJob({ type: 'fast', handler() {} }),
  ]
  const source = new FakeSource()
  const working = poolOf(jobs, { concurrency: 3 }).run(source)
  const slowOnes = Array.from({ length: 6 }, (_, id) => new FakeDelivery({ id: `s${id}`, type: 'slow' }))
  const fast = Array.from({ length: 6 }, (_, id) => new FakeDelivery({ id: `f${id}`, type: 'fast' }))
  source.push(...slowOnes, ...fast)
  await Promise.all(fast.map(({ settled }) => settled))
  const deferred = slowOnes.slice(2).map(({ outcomes }) => outcomes[0])
  for (const outcome of deferred) {
    assert.ok(outcome?.kind === 'retry' && outcome.reason === 'type-limit' && !outcome.counted)
  }
  open.resolve()
  assert.equal((await slowOnes[1]!.settled).kind, 'ack', 'the parked one takes the place of the first')
  source.end()
  await working
  assert.equal(slow, 0)
})

test('what is parked when the deliveries end is released', async () => {
  const open = gate()
  const source = new FakeSource()
  const job = defineJob({ type: 'slow', maxConcurrent: 1, handler: () => open.promise })
  const working = poolOf([job]).run(source)
  const [runs, parked] = [new FakeDelivery({ type: 'slow' }), new FakeDelivery({ type: 'slow' })]
  source.push(runs, parked)
  source.end()
  assert.equal((await parked.settled).kind, 'release')
  open.resolve()
  await working
  assert.equal(runs.outcomes[0]!.kind, 'ack')
})
