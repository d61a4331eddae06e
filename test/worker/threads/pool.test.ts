import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { isMainThread, threadId } from 'node:worker_threads'
import type { WorkerEvent } from '../../../worker/contracts.ts'
import type { Job } from '../../../worker/define.ts'
import { InvalidPayloadError, PermanentError, RetryLater, TimeoutError } from '../../../worker/errors.ts'
import { Threads, type ThreadsOptions } from '../../../worker/threads/pool.ts'
import type { ThreadScript } from '../../fixtures/thread-script.ts'
import { waitFor } from '../../helpers/wait.ts'

const SCRIPT = new URL('../../fixtures/thread-script.ts', import.meta.url)

interface Logged {
  readonly level: string
  readonly fields: Record<string, any>
  readonly message: string | undefined
}

/** Threads, what they log, and what is told of them; ended with the test. */
function openThreads(t: TestContext, options: Partial<ThreadsOptions> = {}) {
  const lines: Logged[] = []
  const events: WorkerEvent[] = []
  const line = (level: string) => (fields: object, message?: string) => void lines.push({ level, fields, message })
  const log = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
  const observe = (event: WorkerEvent) => void events.push(event)
  const threads = new Threads({ threads: 1, heapMb: undefined, graceMs: 50, log, observe, ...options })
  t.after(() => threads.close())
  const handler = threads.handlerOf(SCRIPT)
  const run = async (payload: ThreadScript, signal = new AbortController().signal, more: Partial<Job<unknown>> = {}) =>
    handler({ ...JOB, ...more, payload }, { signal, log, resources: undefined })
  const logged = (message: string) =>
    waitFor(`the log says '${message}'`, () => lines.find((one) => one.message === message))
  const ends = () => events.map((event) => event.name === 'thread-replaced' && event.cause)
  return { threads, run, lines, logged, ends, events }
}

const JOB: Job<unknown> = {
  id: 'film-1',
  idDerived: false,
  type: 'film',
  payload: {},
  attempt: 2,
  key: 'k',
  headers: Object.assign(Object.create(null), { h: '1' }),
  enqueuedAt: 5,
}

test('a job runs in another thread, which sees all of it and what the setup of its module gave', async (t) => {
  const { run, logged, lines } = openThreads(t)
  await run({})
  const { level, fields } = await logged('began')
  assert.equal(level, 'info')
  assert.ok(isMainThread && fields['resources'].thread !== threadId)
  const { resources: _, ...seen } = fields
  const job = { id: 'film-1', type: 'film', attempt: 2, key: 'k', headers: { h: '1' }, enqueuedAt: 5, payload: {} }
  assert.deepEqual(seen, { jobId: 'film-1', ...job, prototype: null })
  lines.length = 0
  await run({})
  assert.equal((await logged('began')).fields['resources'].number, 1, 'the setup ran once')
})

test('as many jobs run at once as there are threads, each with a setup of its own', async (t) => {
  const { run, lines } = openThreads(t, { threads: 2 })
  const stop = new AbortController()
  const both = Promise.allSettled([run({ act: 'wait' }, stop.signal), run({ act: 'wait' }, stop.signal)])
  const waiting = () => lines.filter(({ message }) => message === 'waiting').length === 2
  await waitFor('both are in the middle of it', waiting)
  const began = lines.filter(({ message }) => message === 'began').map(({ fields }) => fields['resources'])
  assert.notEqual(began[0].thread, began[1].thread)
  assert.deepEqual([began[0].number, began[1].number], [1, 1])
  stop.abort(new Error('enough'))
  await both
})

test('an error keeps its meaning: class, code, message, delay, cause; and is bounded', async (t) => {
  const { run, ends } = openThreads(t)
  await assert.rejects(run({ act: 'permanent' }), (error) => {
    assert.ok(error instanceof PermanentError && error.code === 'PERMANENT' && error.message === 'no such film')
    assert.match(error.stack ?? '', /thread-script\.ts/, 'the place where it was thrown')
    assert.ok(error.cause instanceof Error && error.cause.name === 'RangeError' && error.cause.message === 'the cause')
    return true
  })
  await assert.rejects(run({ act: 'later' }), (error) => error instanceof RetryLater && error.delayMs === 5_000)
  await assert.rejects(run({ act: 'fail' }), (error) => {
    assert.ok(error instanceof Error && 'code' in error && error.code === 'E_FILM' && error.name === 'TypeError')
    assert.ok(error.message.length <= 2_048 && error.stack!.length <= 8_192)
    return true
  })
  await assert.rejects(run({ act: 'nothing' }), /no Error was thrown: undefined/)
  assert.deepEqual(ends(), [], 'and costs no thread')
})

test('a job that waits hears its abort, with the reason, and its thread lives on', async (t) => {
  const { run, logged, lines, ends } = openThreads(t, { graceMs: 60_000 })
  const stop = new AbortController()
  const running = run({ act: 'wait' }, stop.signal)
  await logged('waiting')
  stop.abort(new TimeoutError(7))
  await assert.rejects(running, { code: 'TIMEOUT', message: /timeout of 7 ms/ })
  lines.length = 0
  await run({})
  assert.equal((await logged('began')).fields['resources'].number, 1, 'the same thread, set up once')
  assert.deepEqual(ends(), [])
})

test('a job that is busy can not hear it: its thread is ended after the grace, and the next job has another', async (t) => {
  const { run, logged, lines, ends } = openThreads(t)
  const stop = new AbortController()
  const running = run({ act: 'spin' }, stop.signal)
  const before = (await logged('began')).fields['resources'].thread
  await logged('spinning')
  const reason = new TimeoutError(7)
  stop.abort(reason)
  await assert.rejects(running, (error) => error === reason)
  lines.length = 0
  await run({})
  assert.notEqual((await logged('began')).fields['resources'].thread, before)
  assert.deepEqual(ends(), ['aborted'])
})

test('a thread in native code can not be ended before that is: its job counts as running until then, others go on', async (t) => {
  const { run, logged, ends } = openThreads(t)
  const stop = new AbortController()
  let hasEnded = false
  const running = assert.rejects(run({ act: 'native' }, stop.signal), /enough/).then(() => {
    hasEnded = true
  })
  await logged('computing')
  stop.abort(new Error('enough'))
  await waitFor('its thread is told to end', () => ends().length > 0)
  assert.equal(hasEnded, false)
  await run({}, undefined, { id: 'next' })
  await running
})

test('a job that was aborted before it began does not begin', async (t) => {
  const { run, lines } = openThreads(t)
  await assert.rejects(run({}, AbortSignal.abort(new Error('too late'))), /too late/)
  await run({}, undefined, { id: 'next' })
  await waitFor('the next one began', () => lines.some(({ fields }) => fields['jobId'] === 'next'))
  assert.ok(!lines.some(({ fields }) => fields['jobId'] === JOB.id))
})

for (const [act, how] of [
  ['exit', /exited with code: 0/],
  ['uncaught', /nobody catches this/],
  ['memory', /memory limit/],
] as const) {
  test(`a thread that dies (${act}) fails its job with an error, and nothing else`, async (t) => {
    const { run, logged, ends } = openThreads(t, { heapMb: 32 })
    await assert.rejects(run({ act }), (error) => {
      assert.ok(error instanceof Error && !('code' in error))
      assert.match(error.message, /^the thread of the job ended before the job: /)
      assert.match(error.message, how)
      return true
    })
    await run({}, undefined, { id: 'next' })
    await logged('began')
    assert.deepEqual(ends(), ['died'])
  })
}

test('a thread that dies between two jobs is told of, and costs no job', async (t) => {
  const { run, ends } = openThreads(t)
  await run({ act: 'stray' })
  await waitFor('its death is told', () => ends().length > 0)
  assert.deepEqual(ends(), ['died'])
  await run({})
})

test('log lines are bounded, whatever is in them', async (t) => {
  const { run, logged } = openThreads(t)
  await run({ act: 'log' })
  const line = await logged('a line')
  assert.equal(line.level, 'warn')
  assert.deepEqual([line.fields['type'], line.fields['err'].message], ['film', 'inner'])
  assert.match((await logged('a long line')).fields['cut'], /the fields had 100\d{3} characters/)
  assert.match((await logged('a circular line')).fields['unreadable'], /circular/i)
})

test('a thread that logs without end fills no memory: what is too much is dropped and counted', async (t) => {
  const { run, lines, logged } = openThreads(t)
  await run({ act: 'flood' })
  await run({}, undefined, { id: 'next' })
  await waitFor('the next job is logged', () => lines.some(({ fields }) => fields['jobId'] === 'next'))
  const came = lines.filter(({ message }) => message === 'one of many').length
  const dropped = lines.reduce((sum, { fields }) => sum + (fields['dropped'] ?? 0), 0)
  await logged('threads logged faster than their lines could be written: lines were dropped')
  assert.equal(came + dropped, 100_000)
  assert.ok(dropped > 0)
})

test('a payload that can not be sent to a thread is invalid, and costs no thread', async (t) => {
  const { run, ends } = openThreads(t)
  await assert.rejects(run({ act() {} } as never), (error) => {
    assert.ok(error instanceof InvalidPayloadError)
    assert.match(error.message, /can't be sent to a thread/)
    return true
  })
  await run({})
  assert.deepEqual(ends(), [])
})

test('a module that can not run is found before the first job, and the error names it', async (t) => {
  const { threads } = openThreads(t)
  await threads.check([{ type: 'film', handler: SCRIPT }])
  const cases = [
    ['data:text/javascript,export const x = 1', /expected a function as default export or as 'handler', got x/],
    ['data:text/javascript,throw new Error("at load")', /at load/],
    [new URL('no-such-module.ts', SCRIPT).href, /no-such-module\.ts/],
    ['data:text/javascript,process.exit(3)', /can't load .* exited with code: 3/],
  ] as const
  for (const [module, words] of cases) {
    const check = threads.check([{ type: 'film', handler: new URL(module) }])
    await assert.rejects(check, { code: 'DEFINITION', message: words }, module)
  }
})

test("a handler may be exported by that name, and by a compiler's CommonJS", async (t) => {
  const { threads, logged, run } = openThreads(t)
  const named = 'export function handler(job, { log }) { log.info({}, "named") }'
  const compiled =
    'export default { default(job, { log, resources }) { log.info({}, resources) }, setup: () => "set up" }'
  for (const [source, message] of [
    [named, 'named'],
    [compiled, 'set up'],
  ] as const) {
    const handler = threads.handlerOf(new URL(`data:text/javascript,${encodeURIComponent(source)}`))
    await handler(JOB, { signal: new AbortController().signal, log: console, resources: undefined })
    await logged(message)
  }
  await run({})
})

test('once closed, a job that was running fails as by a shutdown', async (t) => {
  const { threads, run, logged, ends } = openThreads(t)
  const running = run({ act: 'spin' })
  const failed = assert.rejects(running, { code: 'SHUTDOWN' })
  await logged('spinning')
  await threads.close()
  await failed
  assert.deepEqual(ends(), [])
})
