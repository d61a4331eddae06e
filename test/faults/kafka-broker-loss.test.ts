import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LocalKafka } from '../../deploy/local/contracts.ts'
import { ownKafka } from '../helpers/kafka.ts'
import { BOUND, openOnKafka, tappedKafka } from './kafka-scenario.ts'
import { loseBroker } from './plays.ts'

/** An outage of some seconds leaves the back-off between two tries below this. */
const RECOVERY_MS = 20_000
const UNREACHABLE_MS = 30_000
const CUTS = 3

suite('the loss of Kafka', { concurrency: 2 }, () => {
  test('workers whose connections are cut, and that reach no Kafka for 30 s, longer than their session, go on by themselves, and lose no job', async (t) => {
    const kafka = await tappedKafka(t)
    const { proxy } = kafka
    const scenario = await openOnKafka(t, kafka, { trickle: { rate: 40 } })
    const fault = async () => {
      for (let cut = 0; cut < CUTS; cut += 1) {
        assert.ok(proxy.cut() >= 3, 'void: nothing was cut')
        await scenario.untilDone(40)
        await scenario.untilBusy(3)
      }
      proxy.blackhole()
      await sleep(UNREACHABLE_MS)
      proxy.heal()
    }
    const { verdict, busy, recoveredInMs } = await loseBroker(scenario, fault, RECOVERY_MS)
    t.diagnostic(`the first job was done ${recoveredInMs} ms after Kafka was back`)
    assert.ok(busy >= 5 && verdict.repeated.length > 0, 'void: no job in flight was interrupted')
    assert.ok(verdict.repeated.length <= 3 * BOUND, `${verdict.repeated.length} jobs were begun again`)
    assert.equal(proxy.open, 0, 'no connection outlives its worker')
  })

  test('a restart of Kafka loses no confirmed job, and the workers go on by themselves', async (t) => {
    await lose(t, (kafka) => kafka.restart())
  })

  test('a SIGKILL of Kafka loses no confirmed job, and the workers go on by themselves', async (t) => {
    await lose(t, async (kafka) => {
      await kafka.kill()
      await kafka.start()
    })
  })
})

async function lose(t: TestContext, fault: (kafka: LocalKafka) => Promise<void>): Promise<void> {
  const kafka = await ownKafka(t)
  // A session that outlasts the outage: nobody else has come to own the partitions.
  const scenario = await openOnKafka(t, kafka, { env: { TIDEMILL_SESSION_TIMEOUT_MS: '45000' } })
  const { verdict, busy, recoveredInMs } = await loseBroker(scenario, () => fault(kafka), RECOVERY_MS)
  t.diagnostic(`the first job was done ${recoveredInMs} ms after Kafka was back`)
  assert.ok(busy >= 5, `void: ${busy} jobs were in flight`)
  assert.ok(verdict.repeated.length <= 3 * BOUND, `${verdict.repeated.length} jobs were begun again`)
}
