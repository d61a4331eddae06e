import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Delivery, Logger, Message, Observer, Outcome } from '../../worker/contracts.ts'
import { defineJob } from '../../worker/define.ts'
import { Pool } from '../../worker/pool.ts'
import type { PoolJob, PoolOptions } from '../../worker/pool-options.ts'

const SHORT_JOBS = 300_000
const WARM_UP = 20_000
const LIMIT_BYTES = 5_000_000

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** Bytes in use on the heap and beside it, once what is garbage is gone. */
async function bytesInUse(): Promise<number> {
  for (let pass = 0; pass < 3; pass++) {
    await new Promise(setImmediate)
    collectGarbage()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const noop = (): void => {}
const log: Logger = { debug: noop, info: noop, warn: noop, error: noop }
const policy = { attempts: 5, minDelayMs: 1000, maxDelayMs: 3_600_000, factor: 4 }
const body = Buffer.from('{}')
const headers = Object.freeze({})

function messageOf(id: number, type: string): Message {
  return { id: String(id), idDerived: false, type, body, headers, attempt: 1, redelivered: false }
}

test('300,000 short jobs beside an open one leave less than 5 MB on the heap', { timeout: 120_000 }, async (t) => {
  const open = Promise.withResolvers<void>()
  t.after(() => open.resolve())
  const warm = Promise.withResolvers<void>()
  const finished = Promise.withResolvers<void>()
  const lease = new AbortController().signal
  const counted: Record<Outcome['kind'], number> = { ack: 0, retry: 0, dead: 0, release: 0 }
  let openWasAborted: boolean | undefined

  const settled: Observer['settled'] = (_message, _type, outcome) => {
    counted[outcome.kind]++
    if (counted.ack === WARM_UP) warm.resolve()
    if (counted.ack === WARM_UP + SHORT_JOBS) finished.resolve()
  }

  // Handlers that listen to their signal and never take the listener off: what a careless user's code does.
  const longJob = defineJob({
    type: 'long',
    async handler(_job, { signal }) {
      signal.addEventListener('abort', noop)
      await open.promise
      openWasAborted = signal.aborted
    },
  })
  const shortJob = defineJob({
    type: 'short',
    async handler(_job, { signal }) {
      signal.addEventListener('abort', noop)
      await null
    },
  })

  const poolJob = (definition: PoolJob['definition']): PoolJob => ({
    definition,
    inThread: false,
    timeoutMs: 3_600_000,
    policy,
  })
  const options: PoolOptions = {
    jobs: new Map([
      ['long', poolJob(longJob)],
      ['short', poolJob(shortJob)],
    ]),
    // One slot for the open job and one for the short ones: each of these waits for a slot.
    concurrency: 2,
    threads: 1,
    policy,
    ladderMs: [1000],
    limits: { maxBodyBytes: 1024, maxDepth: 8 },
    missingId: 'derive',
    abortGraceMs: 1000,
    resources: undefined,
    observer: { started: noop, settled, event: noop },
    log,
    random: () => 0.5,
    wallClock: () => 0,
    now: () => 0,
  }

  const allowed = Promise.withResolvers<void>()
  async function* deliveries(): AsyncGenerator<Delivery> {
    yield { message: messageOf(0, 'long'), lease, settle: async () => true }
    for (let id = 1; id <= WARM_UP + SHORT_JOBS; id++) {
      if (id === WARM_UP + 1) await allowed.promise
      // Turns of the event loop in between, as with a real broker; without one timers and immediates would starve.
      if (id % 100 === 0) await new Promise(setImmediate)
      yield { message: messageOf(id, 'short'), lease, settle: async () => true }
    }
  }

  const run = new Pool(options).run(deliveries())
  await warm.promise
  const before = await bytesInUse()
  allowed.resolve()
  await finished.promise
  const growth = (await bytesInUse()) - before
  assert.ok(growth < LIMIT_BYTES, `expected less than ${LIMIT_BYTES} bytes more than before, got ${growth}`)

  open.resolve()
  await run
  assert.deepEqual(counted, { ack: WARM_UP + SHORT_JOBS + 1, retry: 0, dead: 0, release: 0 })
  assert.equal(openWasAborted, false, 'the long job was open all the time')
})
