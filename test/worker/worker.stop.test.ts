import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { defineJob } from '../../worker/define.ts'
import { memoryWorker } from '../helpers/memory-worker.ts'
import { gate } from '../helpers/pool.ts'

test('a job that waits for the slot of its type when a drain begins is given back, not begun', async (t) => {
  const open = gate()
  const begun: string[] = []
  const both = gate()
  const run = ({ id }: { readonly id: string }) => {
    if (begun.push(id) === 2) both.resolve()
    return open.promise
  }
  const slow = defineJob({ type: 'slow', maxConcurrent: 1, handler: run })
  const fast = defineJob({ type: 'fast', handler: run })
  const { worker, memory, enqueue } = memoryWorker(t, { jobs: [slow, fast], concurrency: 2, readAhead: 1 })
  await worker.start()
  await enqueue(slow, {}, 'first')
  await enqueue(slow, {}, 'second')
  await enqueue(fast, {}, 'third')
  await both.promise
  const draining = worker.drain()
  open.resolve()
  await draining
  assert.deepEqual(begun, ['first', 'third'])
  assert.equal(memory.ready('q').length, 1)
})

test('a worker without handlers in threads loads nothing for them', async (t) => {
  const isLoaded = () => Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes('/piscina/'))
  const { worker } = memoryWorker(t, {})
  await worker.start()
  await worker.drain()
  assert.equal(isLoaded(), false)
  await import('../../worker/threads/pool.ts')
  assert.ok(isLoaded(), 'void: it is not seen when it is loaded')
})
