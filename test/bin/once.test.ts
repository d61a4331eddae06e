import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { sharedBroker } from '../helpers/broker.ts'
import { tidemill } from '../helpers/command.ts'
import { queueFor } from '../helpers/queue.ts'
import { waitFor } from '../helpers/wait.ts'
import { WorkerProcess } from '../helpers/worker-process.ts'

const WORKER = join(import.meta.dirname, '..', '..', 'worker', 'handlers', 'orders-worker.ts')

test('work --once takes one job of many from RabbitMQ and ends with 0, and the others were never delivered', async (t) => {
  const broker = await sharedBroker()
  const { queue, connection } = await queueFor(t, broker)
  const folder = mkdtempSync(join(tmpdir(), 'tidemill-once-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const told = { TIDEMILL_BROKER_URL: broker.url, TIDEMILL_QUEUE: queue, TIDEMILL_RETRY_LADDER_MS: '200,1000' }
  const env = { ...told, EXAMPLES_ROOT: folder }
  assert.equal((await tidemill(['enqueue', '--from', 'orders', '--count', '3'], { env })).code, 0)
  const channel = await connection.createChannel()
  for (const left of [2, 1]) {
    // Even where the environment says otherwise.
    const options = { env: { ...env, TIDEMILL_CONCURRENCY: '20', TIDEMILL_READ_AHEAD: '20' }, args: ['--once'] }
    const worker = await WorkerProcess.spawn(t, WORKER, options)
    assert.deepEqual(await worker.exit(), { code: 0, signal: null }, worker.output)
    await waitFor(`${left} jobs are left`, async () => (await channel.checkQueue(queue)).messageCount === left)
  }
  const last = await channel.get(queue)
  assert.ok(last !== false)
  assert.equal(last.fields.redelivered, false)
  channel.ack(last)
  const args = ['--once', '--idle-timeout-ms', '200']
  const idle = await WorkerProcess.spawn(t, WORKER, { env, args })
  assert.deepEqual(await idle.exit(), { code: 0, signal: null }, idle.output)
})

test('flags that do not go with one job are refused', async () => {
  for (const [args, said] of [
    [['--idle-timeout-ms', '5'], /expected --once beside it/],
    [['--once', '--concurrency', '4'], /--concurrency: expected nothing beside --once/],
    [['--once', '--idle-timeout-ms', '0'], /expected a whole number of 1 or more, got "0"/],
  ] as const) {
    const { code, stderr } = await tidemill(['work', WORKER, ...args])
    assert.equal(code, 2)
    assert.match(stderr, said)
  }
})
