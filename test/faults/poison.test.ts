import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharedBroker } from '../helpers/broker.ts'
import { killByJob, POISONED, sendPoison } from './plays.ts'
import { RabbitmqStage } from './rabbitmq-stage.ts'
import { Scenario } from './scenario.ts'

test('poison is dead-lettered after exactly its tries, byte for byte, and good jobs do not suffer', async (t) => {
  const stage = await RabbitmqStage.open(t, await sharedBroker())
  await sendPoison(Scenario.open(t, stage, { trickle: POISONED }))
})

test('of 60 jobs, the one that kills its process is dead-lettered, and no other', async (t) => {
  const stage = await RabbitmqStage.open(t, await sharedBroker())
  const scenario = Scenario.open(t, stage, { env: { TIDEMILL_SUSPECTS_POLL_MS: '200' } })
  const { deaths } = await killByJob(scenario, 60_000)
  assert.ok(deaths <= 7, `the killer killed ${deaths} times`)
})
