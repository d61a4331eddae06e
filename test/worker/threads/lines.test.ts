import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Line } from '../../../worker/threads/crossing.ts'
import { LineGate, threadLog } from '../../../worker/threads/lines.ts'

test('no more lines are on their way than the gate lets through; those dropped are told once, with the next that arrives', () => {
  const worker = new LineGate()
  const sent: Line[] = []
  const log = threadLog({ jobId: 'a' }, new LineGate(worker.buffer), (line) => sent.push(line))
  for (let number = 0; number < 1_000; number++) log.debug({ number }, 'one')
  assert.ok(sent.length > 0 && sent.length < 1_000)
  assert.equal(worker.leave(), 1_000 - sent.length)
  assert.equal(worker.leave(), 0)
  const before = sent.length
  for (let number = 0; number < 5; number++) log.error({}, 'again')
  assert.equal(sent.length, before + 2, 'as many as have arrived')
  assert.deepEqual(sent.at(-1), { level: 'error', fields: '{"jobId":"a"}', message: 'again' })
})
