import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { build } from 'esbuild'
import { defineJob } from '../../worker/define.ts'
import { createProducer } from '../../worker/producer.ts'
import { sharedBroker } from '../helpers/broker.ts'
import { queueFor } from '../helpers/queue.ts'
import { waitFor } from '../helpers/wait.ts'

const ROOT = join(import.meta.dirname, '..', '..')

test("the image's bundle runs a user's module in a thread", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemill-bundle-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const made = spawn(process.execPath, ['deploy/docker/bundle.ts', folder], { cwd: ROOT, stdio: 'inherit' })
  assert.deepEqual(await once(made, 'close'), [0, null])
  const app = join(folder, 'base')
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['test/fixtures/film-worker.ts', 'test/fixtures/film.ts'],
    outdir: app,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    logLevel: 'warning',
  })
  const broker = await sharedBroker()
  const { queue } = await queueFor(t, broker)
  const env = { TIDEMILL_BROKER_URL: broker.url, TIDEMILL_RETRY_LADDER_MS: '200,1000', TIDEMILL_HTTP_PORT: '0' }
  const worker = spawn(process.execPath, ['tidemill/tidemill.cjs', 'work', 'film-worker.js'], {
    cwd: app,
    env: { PATH: process.env['PATH'], FILM_QUEUE: queue, TIDEMILL_HTTP_HOST: '127.0.0.1', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(worker, 'close')
  t.after(async () => {
    worker.kill('SIGKILL')
    await closed
  })
  let output = ''
  worker.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  const producer = createProducer({ broker: broker.url, queue })
  t.after(() => producer.close())
  await producer.enqueue(defineJob({ type: 'film', handler() {} }), { ms: 1 })
  await waitFor('the film is done', () => output.includes('"msg":"film done"'))
  worker.kill('SIGTERM')
  assert.deepEqual(await closed, [0, null], output)
})
