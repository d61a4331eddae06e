import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertEnds, assertGood, startDemo } from './helpers/demo-run.ts'
import { type SharedKafka, sharedKafka } from './helpers/kafka.ts'
import { kafkaAt } from './helpers/topic.ts'

test('the demo on Kafka runs worker processes, ends one at work, and leaves nothing but its ledger', async (t) => {
  const broker = await sharedKafka()
  const run = await startDemo(t, ['--orders', '200', '--images', '3'], { TIDEMILL_BROKER_URL: broker.url })
  await assertGood(run, 200, 3)
  assert.deepEqual(await leftoversOf(broker), [])
})

test('a demo on Kafka that is asked to end takes everything down', async (t) => {
  const broker = await sharedKafka()
  const args = ['--broker', 'kafka', '--orders', '5000', '--images', '4', '--json']
  await assertEnds(await startDemo(t, args, { TIDEMILL_BROKER_URL: broker.url }))
  assert.deepEqual(await leftoversOf(broker), [])
})

async function leftoversOf({ url }: SharedKafka): Promise<string[]> {
  const admin = kafkaAt(url).admin()
  try {
    await admin.connect()
    const { groups } = await admin.listGroups()
    return [...(await admin.listTopics()), ...groups.map(({ groupId }) => groupId)].filter((name) =>
      name.startsWith('demo-'),
    )
  } finally {
    await admin.disconnect()
  }
}
