import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharedBroker } from '../helpers/broker.ts'
import { waitFor } from '../helpers/wait.ts'
import { Scenario } from './scenario.ts'

test('while retries can not be written, jobs are held and none is lost; all is well again by itself', async (t) => {
  const scenario = await Scenario.open(t, {
    broker: await sharedBroker(),
    trickle: { mood: (_, random) => (random() < 0.3 ? 'once' : 'good') },
  })
  const workers = await scenario.addWorkers(3)
  scenario.trickle.start()
  await scenario.untilDone(100)

  const { queue, queues } = scenario.queue
  const channel = await scenario.channel()
  const rungs = queues.filter((name) => name.startsWith(`${queue}.retry.`))
  const keyOf = (rung: string) => rung.slice(`${queue}.retry.`.length)
  assert.ok(rungs.length > 0)
  for (const rung of rungs) await channel.unbindQueue(rung, `${queue}.retry`, keyOf(rung))
  const held = await waitFor(
    'no worker begins a job although there are some',
    async () => {
      const before = (await scenario.ledger()).started.length
      await new Promise((resolve) => setTimeout(resolve, 700))
      const idle = (await scenario.ledger()).started.length === before
      const { messageCount } = await channel.checkQueue(queue)
      return idle && messageCount > 20 && scenario.inFlight()
    },
    { timeoutMs: 15_000 },
  )
  assert.ok(held.size >= 3, `void: ${held.size} jobs are held`)
  for (const worker of workers) {
    assert.deepEqual([await worker.status('/livez'), await worker.status('/readyz')], [200, 200])
  }
  for (const rung of rungs) await channel.bindQueue(rung, `${queue}.retry`, keyOf(rung))
  await scenario.untilDone(100)

  const { verdict } = await scenario.finish()
  assert.deepEqual(verdict.deadIds, [])
  assert.deepEqual(verdict.duplicated, [])
  assert.deepEqual(
    [...held].filter((id) => !verdict.repeated.includes(id)),
    [],
    'each held job had its second try',
  )
})
