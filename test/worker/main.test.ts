import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { waitFor } from '../helpers/wait.ts'
import { WorkerProcess } from '../helpers/worker-process.ts'

const FILE = 'test/fixtures/scripted-worker.ts'
const MEMORY = { TIDEMILL_BROKER_URL: 'memory:' }

async function start(t: TestContext, plan: object, env: Record<string, string> = MEMORY): Promise<WorkerProcess> {
  return WorkerProcess.start(t, FILE, { env: { ...env, PLAN: JSON.stringify(plan) } })
}

function logged(worker: WorkerProcess, words: string): Promise<true> {
  return waitFor(`the log says '${words}'`, () => worker.output.includes(words) || undefined)
}

async function metricsOf(worker: WorkerProcess): Promise<string> {
  return (await fetch(`http://127.0.0.1:${worker.httpPort}/metrics`)).text()
}

test('SIGTERM lets the running job finish, is not ready meanwhile but live, and ends with 0', async (t) => {
  const worker = await start(t, { jobs: [{ sleepMs: 1_500 }] })
  await logged(worker, 'handler began')
  worker.signal('SIGTERM')
  await waitFor('it is not ready', async () => (await worker.status('/readyz')) === 503 || undefined, { everyMs: 5 })
  assert.equal(await worker.status('/livez'), 200)
  assert.doesNotMatch(worker.output, /handler finished/, 'the job was still running')
  assert.deepEqual(await worker.exit(), { code: 0, signal: null })
  assert.match(worker.output, /handler finished/)
})

test('the log says how many jobs run at once, and where that comes from', async (t) => {
  const worker = await start(t, {}, { ...MEMORY, TIDEMILL_CONCURRENCY: '3' })
  await logged(worker, '"concurrency":{"value":3,"origin":"env"}')
})

test('a job that runs past the deadline is aborted, and the exit code says 75', async (t) => {
  const worker = await start(t, { jobs: [{ sleepMs: 60_000 }] }, { ...MEMORY, TIDEMILL_DRAIN_TIMEOUT_MS: '100' })
  await logged(worker, 'handler began')
  worker.signal('SIGTERM')
  assert.deepEqual(await worker.exit(5_000), { code: 75, signal: null })
  assert.doesNotMatch(worker.output, /handler finished/)
})

test('a handler that ignores its abort does not keep the process', async (t) => {
  const env = { ...MEMORY, TIDEMILL_DRAIN_TIMEOUT_MS: '100', TIDEMILL_ABORT_GRACE_MS: '100' }
  const worker = await start(t, { jobs: [{ ignoreMs: 60_000 }] }, env)
  await logged(worker, 'handler began')
  worker.signal('SIGTERM')
  assert.deepEqual(await worker.exit(5_000), { code: 75, signal: null })
})

test('a second signal aborts at once', async (t) => {
  const worker = await start(t, { jobs: [{ sleepMs: 60_000 }] })
  await logged(worker, 'handler began')
  worker.signal('SIGTERM')
  await logged(worker, 'asked to end')
  worker.signal('SIGINT')
  assert.deepEqual(await worker.exit(5_000), { code: 75, signal: null })
})

test('a rejected promise that nobody waits for is counted, and costs no job', async (t) => {
  const worker = await start(t, { jobs: [{ stray: true, sleepMs: 50 }, { sleepMs: 50 }] })
  await waitFor('both jobs are done', async () => /outcome="ack",.*} 2$/m.test(await metricsOf(worker)) || undefined)
  assert.match(await metricsOf(worker), /^tidemill_unhandled_rejections_total{.*} 1$/m)
  worker.signal('SIGTERM')
  assert.deepEqual(await worker.exit(), { code: 0, signal: null })
})

test('an error that nobody can catch drains what runs and ends with 1', async (t) => {
  const worker = await WorkerProcess.spawn(t, FILE, {
    env: { ...MEMORY, PLAN: JSON.stringify({ jobs: [{ sleepMs: 500 }, { crash: true, sleepMs: 200 }] }) },
  })
  assert.deepEqual(await worker.exit(10_000), { code: 1, signal: null })
  assert.equal(worker.output.match(/handler finished/g)?.length, 2)
  assert.match(worker.output, /nobody catches this/)
})

test('a drain that hangs is left before the platform would kill the process', async (t) => {
  const env = { TIDEMILL_DRAIN_TIMEOUT_MS: '100', TIDEMILL_ABORT_GRACE_MS: '100', TIDEMILL_CLOSE_TIMEOUT_MS: '100' }
  const grace = { TIDEMILL_SETTLE_PAUSE_MS: '0', TIDEMILL_TERMINATION_GRACE_MS: '2000' }
  const worker = await start(t, { stop: 'hangs' }, { ...MEMORY, ...env, ...grace })
  const begun = performance.now()
  worker.signal('SIGTERM')
  assert.deepEqual(await worker.exit(5_000), { code: 1, signal: null })
  assert.ok(performance.now() - begun < 2_000)
  assert.match(worker.output, /the drain did not end in time/)
})

test('a faulty configuration ends with 2 and one error that names every fault, before anything is begun', async (t) => {
  const env = {
    TIDEMILL_BROKER_URL: 'redis://u:hunter22@h',
    TIDEMILL_CONCURRENCY: '0',
    TIDEMILL_QEUUE: 'x',
    PLAN: '{}',
  }
  const worker = await WorkerProcess.spawn(t, FILE, { env })
  assert.deepEqual(await worker.exit(), { code: 2, signal: null })
  for (const fault of [
    /TIDEMILL_BROKER_URL: /,
    /TIDEMILL_CONCURRENCY: /,
    /TIDEMILL_QEUUE: .*TIDEMILL_QUEUE\?/,
    /3 faults/,
  ]) {
    assert.match(worker.output, fault)
  }
  assert.doesNotMatch(worker.output, /hunter22|"starting"/)
})

test('a warm-up that fails ends with 1 and its error', async (t) => {
  const worker = await WorkerProcess.spawn(t, FILE, { env: { ...MEMORY, PLAN: '{"setup":"fails"}' } })
  assert.deepEqual(await worker.exit(), { code: 1, signal: null })
  assert.match(worker.output, /the warm-up failed/)
})

test('a port that is taken ends with 2', async (t) => {
  const first = await start(t, {})
  const env = { ...MEMORY, PLAN: '{}', TIDEMILL_HTTP_PORT: String(first.httpPort) }
  const second = await WorkerProcess.spawn(t, FILE, { env })
  assert.deepEqual(await second.exit(), { code: 2, signal: null })
  assert.match(second.output, /EADDRINUSE/)
})

test('a broker that is not there is no reason to end or to be unready, and its password is never logged', async (t) => {
  const worker = await start(t, {}, { TIDEMILL_BROKER_URL: 'amqp://u:hunter22@127.0.0.1:1' })
  await logged(worker, "can't connect to the broker")
  assert.equal(await worker.status('/livez'), 200)
  assert.match(await (await fetch(`http://127.0.0.1:${worker.httpPort}/healthz`)).text(), /not connected/)
  worker.signal('SIGTERM')
  assert.deepEqual(await worker.exit(), { code: 0, signal: null })
  assert.doesNotMatch(worker.output, /hunter22/)
})

test('while a handler blocks the event loop /livez answers, and says so once that is too long', async (t) => {
  const worker = await start(t, { jobs: [{ blockMs: 3_500 }] }, { ...MEMORY, TIDEMILL_EVENT_LOOP_STALL_MS: '1000' })
  await logged(worker, 'handler began')
  assert.equal(await worker.status('/livez'), 200)
  await waitFor('it is not live', async () => (await worker.status('/livez')) === 503 || undefined)
  assert.doesNotMatch(worker.output, /handler finished/)
  await logged(worker, 'handler finished')
  await waitFor('it is live again', async () => (await worker.status('/livez')) === 200 || undefined)
})

test('SIGUSR1 opens no debugger', async (t) => {
  const worker = await start(t, {})
  worker.signal('SIGUSR1')
  assert.equal(await worker.status('/livez'), 200)
  worker.signal('SIGTERM')
  assert.deepEqual(await worker.exit(), { code: 0, signal: null })
  assert.doesNotMatch(worker.output, /Debugger/i)
})
