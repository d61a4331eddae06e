import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
import { type Context, defineJob } from '../../worker/define.ts'
import { PermanentError } from '../../worker/errors.ts'
import { runJob } from '../../worker/run-job.ts'

const order = defineJob({
  type: 'order.process',
  schema: z.object({ orderId: z.string(), at: z.coerce.date() }),
  async handler(job, { resources, signal }: Context<{ seen: unknown[] }>) {
    signal.throwIfAborted()
    if (job.payload.orderId === '') throw new PermanentError('no such order')
    resources.seen.push([job.id, job.attempt, job.payload.at.getTime()])
  },
})

test('runJob runs a handler with no broker, on the payload as the wire would bring it', async () => {
  const seen: unknown[] = []
  await runJob(order, { orderId: '1', at: new Date(5) }, { resources: { seen }, id: 'x', attempt: 2 })
  assert.deepEqual(seen, [['x', 2, 5]])
})

test('runJob rejects with what the handler threw, and with what the schema found', async () => {
  await assert.rejects(runJob(order, { orderId: '', at: 0 }), PermanentError)
  await assert.rejects(runJob(order, { orderId: 1, at: 0 } as never), { code: 'INVALID_PAYLOAD' })
  const reason = new Error('stop')
  await assert.rejects(runJob(order, { orderId: '1', at: 0 }, { signal: AbortSignal.abort(reason) }), reason)
})

test('runJob runs a handler that is a module in a thread', async () => {
  const film = defineJob({
    type: 'film',
    schema: z.object({ act: z.enum(['permanent', 'spin', 'log']).optional() }),
    handler: new URL('../fixtures/thread-script.ts', import.meta.url),
  })
  const lines: object[] = []
  const log = { debug() {}, info: (fields: object) => void lines.push(fields), warn() {}, error() {} }
  await runJob(film, {}, { log, attempt: 3 })
  assert.deepEqual(Object.entries(lines[0]!).slice(0, 3), [
    ['jobId', 'test'],
    ['type', 'film'],
    ['attempt', 3],
  ])
  await assert.rejects(runJob(film, { act: 'permanent' }), PermanentError)
  await assert.rejects(runJob(film, { act: 'spin' }, { signal: AbortSignal.timeout(500) }), { name: 'TimeoutError' })
  const missing = defineJob({ type: 'film', handler: new URL('./missing.ts', import.meta.url) })
  await assert.rejects(runJob(missing, {}), { code: 'DEFINITION', message: /missing\.ts/ })
})
