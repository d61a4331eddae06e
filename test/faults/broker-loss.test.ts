import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { startRabbitmq } from '../../deploy/local/broker.ts'
import type { LocalBroker } from '../../deploy/local/contracts.ts'
import { Scenario } from './scenario.ts'

/** An outage of some seconds leaves the back-off between two tries below this. */
const RECOVERY_MS = 15_000

// One broker of their own for all tests here: it is theirs to break, and stands again after each.
let broker: LocalBroker
before(async () => {
  broker = await startRabbitmq({ private: true })
})
after(() => broker.stop())

async function loseBroker(t: TestContext, lose: () => Promise<void>): Promise<void> {
  const scenario = await Scenario.open(t, { broker })
  const workers = await scenario.addWorkers(3)
  scenario.trickle.start()
  await scenario.untilDone(100)
  await scenario.untilBusy(5)
  await lose()
  const back = performance.now()
  await scenario.untilDone(1, RECOVERY_MS)
  t.diagnostic(`the first job was done ${Math.round(performance.now() - back)} ms after the broker was back`)
  await scenario.untilDone(100)
  for (const worker of workers) {
    assert.equal(worker.isRunning, true, 'no worker ended for the loss of its broker')
    assert.equal(await worker.status('/livez'), 200)
  }
  const { verdict } = await scenario.finish()
  // Nothing but the loss makes a job of this run begin again.
  assert.ok(verdict.repeated.length > 0, 'void: no job in flight was interrupted')
  assert.ok(verdict.duplicated.length <= 30, `${verdict.duplicated.length} duplicates`)
}

test('a restart of the broker loses no confirmed job, and the workers go on by themselves', async (t) => {
  await loseBroker(t, () => broker.restart())
})

test('a SIGKILL of the broker loses no confirmed job, and the workers go on by themselves', async (t) => {
  await loseBroker(t, async () => {
    await broker.kill()
    await broker.start()
  })
})
