import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { startRabbitmq } from '../../deploy/local/broker.ts'
import type { LocalBroker } from '../../deploy/local/contracts.ts'
import { loseBroker } from './plays.ts'
import { RabbitmqStage } from './rabbitmq-stage.ts'
import { Scenario } from './scenario.ts'

/** An outage of some seconds leaves the back-off between two tries below this. */
const RECOVERY_MS = 15_000

// One broker of their own for all tests here: it is theirs to break, and stands again after each.
let broker: LocalBroker
before(async () => {
  broker = await startRabbitmq({ private: true })
})
after(() => broker.stop())

async function lose(t: TestContext, fault: () => Promise<void>): Promise<void> {
  const scenario = Scenario.open(t, await RabbitmqStage.open(t, broker))
  const { verdict, recoveredInMs } = await loseBroker(scenario, fault, RECOVERY_MS)
  t.diagnostic(`the first job was done ${recoveredInMs} ms after the broker was back`)
  // Nothing but the loss makes a job of this run begin again.
  assert.ok(verdict.repeated.length > 0, 'void: no job in flight was interrupted')
  assert.ok(verdict.duplicated.length <= 30, `${verdict.duplicated.length} duplicates`)
}

test('a restart of the broker loses no confirmed job, and the workers go on by themselves', async (t) => {
  await lose(t, () => broker.restart())
})

test('a SIGKILL of the broker loses no confirmed job, and the workers go on by themselves', async (t) => {
  await lose(t, async () => {
    await broker.kill()
    await broker.start()
  })
})
