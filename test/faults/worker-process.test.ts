import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharedBroker } from '../helpers/broker.ts'
import { abandonJob, killWorkers, rollWorkers, SHORT_DRAIN } from './plays.ts'
import { RabbitmqStage } from './rabbitmq-stage.ts'
import { Scenario } from './scenario.ts'

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
  await abandonJob(Scenario.open(t, await RabbitmqStage.open(t, await sharedBroker()), { env: SHORT_DRAIN }))
})
