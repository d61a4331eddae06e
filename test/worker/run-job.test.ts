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
