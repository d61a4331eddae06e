import assert from 'node:assert/strict'
import { test } from 'node:test'
import { waitFor } from '../../helpers/wait.ts'
import { WorkerProcess } from '../../helpers/worker-process.ts'

const FILE = 'test/fixtures/film-worker.ts'
const QUICK = { TIDEMILL_BROKER_URL: 'memory:', TIDEMILL_DRAIN_TIMEOUT_MS: '100', TIDEMILL_ABORT_GRACE_MS: '200' }

for (const [how, film, end] of [
  ['a job in a busy thread is given back at the deadline of a drain', { ms: 600_000 }, { code: 75, signal: null }],
  [
    'a thread in native code, which nothing can end, does not keep the process',
    { ms: 600_000, native: true },
    { code: null, signal: 'SIGKILL' },
  ],
] as const) {
  test(how, async (t) => {
    const worker = await WorkerProcess.start(t, FILE, { env: { ...QUICK, FILMS: JSON.stringify([film]) } })
    await waitFor('it has begun', () => worker.output.includes('film began'))
    worker.signal('SIGTERM')
    assert.deepEqual(await worker.exit(20_000), end, worker.output)
    assert.match(worker.output, /"abandoned":1,.*"msg":"drained, with jobs given back unfinished"/)
    assert.doesNotMatch(worker.output, /film done/)
  })
}

test('a module that can not be loaded ends the worker with 2, before any job', async (t) => {
  const worker = await WorkerProcess.spawn(t, 'test/fixtures/missing-film-worker.ts', { env: QUICK })
  assert.deepEqual(await worker.exit(), { code: 2, signal: null })
  assert.match(worker.output, /the job film can't run in a thread: file:.*no-such-film\.ts/)
})
