import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharedBroker } from '../helpers/broker.ts'
import { killWorkers, rollWorkers } from './plays.ts'
import { RabbitmqStage } from './rabbitmq-stage.ts'
import { Scenario, stop } from './scenario.ts'

const CONCURRENCY = 10

test('a SIGKILL of workers loses no job', async (t) => {
  const kills = 6
  const { verdict } = await killWorkers(Scenario.open(t, await RabbitmqStage.open(t, await sharedBroker())), kills)
  assert.ok(verdict.duplicated.length <= kills * CONCURRENCY, `${verdict.duplicated.length} duplicates`)
})

test('a SIGTERM roll of all workers, twice, begins no job again and ends each with 0', async (t) => {
  await rollWorkers(Scenario.open(t, await RabbitmqStage.open(t, await sharedBroker())))
})

test('a job longer than the drain is given back, the others are finished, and the worker ends with 75', async (t) => {
  const scenario = Scenario.open(t, await RabbitmqStage.open(t, await sharedBroker()), {
    env: { TIDEMILL_DRAIN_TIMEOUT_MS: '2000', TIDEMILL_ABORT_GRACE_MS: '500' },
  })
  const worker = await scenario.addWorker()
  scenario.trickle.start()
  const long = scenario.trickle.send('long')
  const busy = await scenario.untilBusy(5, worker.pid)
  assert.ok(busy.size >= 5)
  await scenario.untilDone(20)
  assert.ok((await scenario.inFlight(worker.pid)).has(long), 'void: the long job does not run')
  const begun = performance.now()
  const { exit, output } = await stop(worker)
  const elapsedMs = performance.now() - begun
  assert.deepEqual(exit, { code: 75, signal: null }, output.slice(-4_000))
  assert.ok(elapsedMs > 1_900 && elapsedMs < 6_000, `it took ${elapsedMs} ms`)
  assert.deepEqual([...(await scenario.inFlight(worker.pid))], [long], 'all others were finished')
  await scenario.addWorkers(2)
  const { verdict } = await scenario.finish()
  assert.deepEqual([verdict.repeated, verdict.duplicated], [[long], []])
})
