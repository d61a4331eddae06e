import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { defineJob } from '../../../worker/define.ts'
import { createProducer } from '../../../worker/producer.ts'
import { sharedBroker } from '../../helpers/broker.ts'
import { queueFor } from '../../helpers/queue.ts'
import { waitFor } from '../../helpers/wait.ts'
import { WorkerProcess } from '../../helpers/worker-process.ts'

const FILMS = 4
const FILM_MS = 2_000
const SHORTS = 60

const film = defineJob({ type: 'film', handler() {} })
const short = defineJob({ type: 'short', handler() {} })

test('threads that are busy for seconds starve no heartbeat, no probe, no metrics and no other job', async (t) => {
  const broker = await sharedBroker()
  const { queue } = await queueFor(t, broker)
  const worker = await WorkerProcess.start(t, 'test/fixtures/film-worker.ts', {
    env: {
      TIDEMILL_BROKER_URL: broker.url,
      TIDEMILL_RETRY_LADDER_MS: '200,1000',
      // A connection that is silent for two of them is dropped, by either side.
      TIDEMILL_HEARTBEAT_MS: '1000',
      TIDEMILL_THREADS: '2',
      TIDEMILL_CONCURRENCY: '10',
      FILM_QUEUE: queue,
    },
  })
  const producer = createProducer({ broker: broker.url, queue })
  t.after(() => producer.close())
  for (let number = 0; number < FILMS; number++) await producer.enqueue(film, { ms: FILM_MS })
  await waitFor('two films run', () => count(worker, 'film began') === 2)

  const shorts = feed(producer)
  let probed = 0
  while (count(worker, 'film done') < FILMS) {
    assert.equal(await worker.status('/livez'), 200)
    const metrics = await (await fetch(`http://127.0.0.1:${worker.httpPort}/metrics`)).text()
    assert.match(metrics, /^tidemill_jobs_started_total{.*type="film".*} [1-9]/m, "the worker's own thread answers")
    if (count(worker, 'film done') < FILMS) probed++
    await pause(100)
  }
  await shorts
  await waitFor('all short jobs are done', () => count(worker, 'short done') === SHORTS)
  const lines = worker.output.split('\n')
  const lastFilm = lines.findLastIndex((line) => line.includes('film done'))
  const before = lines.slice(0, lastFilm).filter((line) => line.includes('short done')).length
  assert.ok(probed >= 10, `void: probed ${probed} times while films ran`)
  assert.ok(before >= SHORTS / 2, `only ${before} short jobs were done before the last film`)
  worker.signal('SIGTERM')
  assert.deepEqual(await worker.exit(), { code: 0, signal: null })
  assert.doesNotMatch(worker.output, /was lost|consumer away|thread was ended/, 'the connections stayed')
  assert.equal(count(worker, 'film began'), FILMS, 'no film began twice')
})

/** Short jobs, spread over the time in which films run. */
async function feed(producer: ReturnType<typeof createProducer>): Promise<void> {
  for (let number = 0; number < SHORTS; number++) {
    await producer.enqueue(short, {}, { id: `short-${number}` })
    await pause(40)
  }
}

function count(worker: WorkerProcess, words: string): number {
  return worker.output.split(`"msg":"${words}"`).length - 1
}
