import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { type Http, type HttpOptions, openHttp } from '../../worker/http.ts'
import { ProbeBoard } from '../../worker/probe.ts'
import { waitFor, within } from '../helpers/wait.ts'

const LIMITS = { eventLoopStallMs: 1_000, stuckLimit: 1 }

async function open(
  t: TestContext,
  more: Partial<HttpOptions> = {},
): Promise<{ http: Http; board: ProbeBoard; url: string }> {
  const board = new ProbeBoard()
  const metrics = { contentType: 'text/plain; version=0.0.4', text: async () => 'my_metric 1\n' }
  const http = await openHttp({ host: '127.0.0.1', port: 0, board, limits: LIMITS, metrics, ...more })
  t.after(() => http.close())
  return { http, board, url: `http://127.0.0.1:${http.port}` }
}

/** Sends bytes as they are and gives all that comes back until the server closes. */
async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.setEncoding('latin1').on('data', (chunk) => {
    answer += chunk
  })
  socket.on('error', () => {})
  socket.write(text)
  await once(socket, 'close')
  return answer
}

test('the probes follow the state of the worker', async (t) => {
  const { board, url } = await open(t)
  const status = async () => {
    const codes = ['livez', 'readyz', 'startupz', 'healthz'].map(async (path) => (await fetch(`${url}/${path}`)).status)
    return (await Promise.all(codes)).join(' ')
  }
  assert.equal(await status(), '200 503 503 200')
  board.state = 'running'
  assert.equal(await status(), '200 200 200 200')
  board.state = 'draining'
  assert.equal(await status(), '200 503 200 200')
  board.state = 'failed'
  assert.equal(await status(), '503 503 200 503')
})

test('/healthz gives the reasons as JSON', async (t) => {
  const { board, url } = await open(t)
  board.state = 'running'
  board.event({ name: 'held', held: true, jobs: 2 })
  board.started()
  const response = await fetch(`${url}/healthz`)
  assert.match(response.headers.get('content-type')!, /^application\/json/)
  const health = (await response.json()) as Record<string, unknown>
  assert.deepEqual([health['live'], health['ready'], health['inFlight'], health['held']], [true, true, 1, 2])
  assert.match(String(health['reasons']), /not connected.*2 jobs are held/)
})

test('/metrics has the metrics of the worker and the stall of its event loop', async (t) => {
  const { url } = await open(t)
  const response = await fetch(`${url}/metrics`)
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4')
  const text = await response.text()
  assert.match(text, /^my_metric 1$/m)
  assert.match(text, /^tidemill_event_loop_stalled_seconds 0/m)
  const { url: other } = await open(t, { metricLabels: { queue: 'a"b\\' } })
  const labelled = await (await fetch(`${other}/metrics`)).text()
  assert.match(labelled, /^tidemill_event_loop_stalled_seconds\{queue="a\\"b\\\\"\} 0$/m)
})

test('metrics that fail are reported, and leave the stall alone in the answer', async (t) => {
  const failures: unknown[] = []
  const text = async (): Promise<string> => {
    throw new Error('no metrics')
  }
  const { url } = await open(t, {
    metrics: { contentType: 'text/plain', text },
    failed: (error) => failures.push(error),
  })
  assert.doesNotMatch(await (await fetch(`${url}/metrics`)).text(), /my_metric/)
  assert.equal(failures.length, 1)
})

test('while a handler blocks the event loop the probes answer, /livez fails only past the limit, and /metrics tells the stall', async (t) => {
  const { board, http } = await open(t, { metricsTimeoutMs: 100 })
  board.state = 'running'
  // The blocked thread can't ask: another one does, and leaves its answers in shared memory.
  const answers = new Int32Array(new SharedArrayBuffer(16))
  const code = `
    const { workerData: { answers, url } } = require('node:worker_threads')
    const status = async (path) => (await fetch(url + path)).status
    const ask = async () => {
      answers[1] = await status('/livez')
      while (await status('/livez') === 200);
      answers[2] = await status('/readyz')
      answers[3] = /^tidemill_event_loop_stalled_seconds [1-9]/m.test(await (await fetch(url + '/metrics')).text()) ? 1 : -1
      Atomics.store(answers, 0, 1)
      Atomics.notify(answers, 0)
    }
    ask()`
  const asker = new Worker(code, { eval: true, workerData: { answers, url: `http://127.0.0.1:${http.port}` } })
  t.after(() => asker.terminate())
  await once(asker, 'online')
  assert.equal(Atomics.wait(answers, 0, 0, 15_000), 'ok', 'the probes answered while the event loop was blocked')
  assert.deepEqual([...answers], [1, 200, 200, 1])
  await waitFor('it is live again', async () => (await fetch(`http://127.0.0.1:${http.port}/livez`)).ok)
})

test('anything but GET and HEAD is refused, and so is a body', async (t) => {
  const { url, http } = await open(t)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const response = await fetch(`${url}/livez`, { method })
    assert.equal(response.status, 405, method)
    assert.equal(response.headers.get('allow'), 'GET, HEAD')
  }
  const head = await fetch(`${url}/livez`, { method: 'HEAD' })
  assert.equal(head.status, 200)
  assert.equal(await head.text(), '')
  const body = 'GET /livez HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello'
  assert.match(await raw(http.port, body), /^HTTP\/1\.1 413 /)
})

test('a path that is not there is 404, and a query is ignored', async (t) => {
  const { url } = await open(t)
  assert.equal((await fetch(`${url}/`)).status, 404)
  assert.equal((await fetch(`${url}/livez?verbose`)).status, 200)
})

test('headers of more than 1 KiB are refused', async (t) => {
  const { http } = await open(t)
  const request = (length: number) =>
    `GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX: ${'x'.repeat(length)}\r\n\r\n`
  assert.match(await raw(http.port, request(800)), /^HTTP\/1\.1 200 /)
  assert.match(await raw(http.port, request(1_100)), /^HTTP\/1\.1 431 /)
})

test('a client that never finishes its request is cut off', async (t) => {
  const { http } = await open(t)
  const begun = performance.now()
  assert.match(await raw(http.port, 'GET /livez HTTP/1.1\r\nHost: h'), /^HTTP\/1\.1 408 /)
  assert.ok(performance.now() - begun < 9_000)
})

test('an address that is taken is a fault of the configuration', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.after(() => other.close())
  const { port } = other.address() as { port: number }
  const board = new ProbeBoard()
  const metrics = { contentType: '', text: async () => '' }
  const opening = openHttp({ host: '127.0.0.1', port, board, limits: LIMITS, metrics })
  await assert.rejects(opening, (error: Error & { code?: string }) => {
    assert.equal(error.code, 'CONFIG')
    assert.match(error.message, new RegExp(`expected an address that is free, got 127\\.0\\.0\\.1:${port}: EADDRINUSE`))
    return true
  })
})

test('how late the event loop came is told', async (t) => {
  const { promise, resolve } = Promise.withResolvers<number>()
  await open(t, { loopDelay: (delayMs) => delayMs >= 300 && resolve(delayMs) })
  const until = performance.now() + 500
  while (performance.now() < until);
  assert.ok((await within('the delay is told', 5_000, promise)) < 2_000)
})

test('closing takes the server down, twice does no harm', async (t) => {
  const { http, url } = await open(t)
  await fetch(`${url}/livez`)
  await Promise.all([http.close(), http.close()])
  await assert.rejects(fetch(`${url}/livez`))
})

test('when its thread dies, another one serves the same port soon', async (t) => {
  const started: Worker[] = []
  const listener = (thread: Worker) => started.push(thread)
  process.on('worker', listener)
  t.after(() => process.off('worker', listener))
  const { url } = await open(t)
  await started[0]!.terminate()
  await assert.rejects(fetch(`${url}/livez`))
  await waitFor('it is live again', async () => (await fetch(`${url}/livez`).catch(() => undefined))?.ok)
  assert.equal(started.length, 2)
})
