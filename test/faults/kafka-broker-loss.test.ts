import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startKafka } from '../../deploy/local/broker.ts'
import type { LocalKafka } from '../../deploy/local/contracts.ts'
import { proxiedKafka } from '../helpers/kafka.ts'
import { BOUND, openOnKafka } from './kafka-scenario.ts'
import { loseBroker } from './plays.ts'

/** An outage of some seconds leaves the back-off between two tries below this. */
const RECOVERY_MS = 20_000
const UNREACHABLE_MS = 30_000

// One Kafka of their own for the tests of restarts: it is theirs to break, and stands again after each.
let kafka: LocalKafka
before(async () => {
  kafka = await startKafka({ private: true })
})
after(() => kafka.stop())

async function lose(t: TestContext, fault: () => Promise<void>): Promise<void> {
  // A session that outlasts the outage: nobody else has come to own the partitions.
  const scenario = await openOnKafka(t, kafka, { env: { TIDEMILL_SESSION_TIMEOUT_MS: '45000' } })
  const { verdict, busy, recoveredInMs } = await loseBroker(scenario, fault, RECOVERY_MS)
  t.diagnostic(`the first job was done ${recoveredInMs} ms after Kafka was back`)
  assert.ok(busy >= 5, `void: ${busy} jobs were in flight`)
  assert.ok(verdict.repeated.length <= 3 * BOUND, `${verdict.repeated.length} jobs were begun again`)
}

test('a restart of Kafka loses no confirmed job, and the workers go on by themselves', async (t) => {
  await lose(t, () => kafka.restart())
})

test('a SIGKILL of Kafka loses no confirmed job, and the workers go on by themselves', async (t) => {
  await lose(t, async () => {
    await kafka.kill()
    await kafka.start()
  })
})

test('workers that reach no Kafka for 30 s, longer than their session, go on by themselves, and lose no job', async (t) => {
  const { kafka: own, proxy, url } = await proxiedKafka(t)
  const scenario = await openOnKafka(t, own, { workerUrl: url, trickle: { rate: 40 } })
  const { verdict, busy, recoveredInMs } = await loseBroker(
    scenario,
    async () => {
      proxy.blackhole()
      await sleep(UNREACHABLE_MS)
      proxy.heal()
    },
    RECOVERY_MS,
  )
  t.diagnostic(`the first job was done ${recoveredInMs} ms after Kafka was back`)
  assert.ok(busy >= 5 && verdict.repeated.length > 0, 'void: no job in flight was interrupted')
  assert.ok(verdict.repeated.length <= 3 * BOUND, `${verdict.repeated.length} jobs were begun again`)
  assert.equal(proxy.open, 0, 'no connection outlives its worker')
})
