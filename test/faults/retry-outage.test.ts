import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharedBroker } from '../helpers/broker.ts'
import { waitFor } from '../helpers/wait.ts'
import { RabbitmqStage } from './rabbitmq-stage.ts'
import { Scenario } from './scenario.ts'

test('while retries can not be written, jobs are held and none is lost; all is well again by itself', async (t) => {
  const scenario = Scenario.open(t, await RabbitmqStage.open(t, await sharedBroker()), {
    trickle: { mood: (_, random) => (random() < 0.3 ? 'once' : 'good') },
  })
  const workers = await scenario.addWorkers(3)
  scenario.trickle.start()
  await scenario.untilDone(100)

  const { queue, queues } = scenario.stage.made
  const channel = await scenario.stage.channel()
  const rungs = queues.filter((name) => name.startsWith(`${queue}.retry.`))
  const keyOf = (rung: string) => rung.slice(`${queue}.retry.`.length)
  assert.ok(rungs.length > 0)
  for (const rung of rungs) await channel.unbindQueue(rung, `${queue}.retry`, keyOf(rung))
  const held = await untilHolding(scenario)
  const answers = await Promise.all(workers.flatMap((worker) => [worker.status('/livez'), worker.status('/readyz')]))
  for (const rung of rungs) await channel.bindQueue(rung, `${queue}.retry`, keyOf(rung))
  await scenario.untilDone(100)

  const { verdict } = await scenario.finish()
  assert.ok(held.size >= 3, `void: ${held.size} jobs are held`)
  assert.deepEqual(answers, [200, 200, 200, 200, 200, 200], 'a worker that holds is alive and ready')
  assert.deepEqual([verdict.deadIds, verdict.duplicated], [[], []])
  const again = new Set(verdict.repeated)
  assert.deepEqual([...held.difference(again)], [], 'each held job had its second try')
})

/** The jobs that are held, once no worker begins a job any more although there are some; none when that does not come. */
async function untilHolding(scenario: Scenario<RabbitmqStage>): Promise<Set<string>> {
  const channel = await scenario.stage.channel()
  let begun = -1
  const look = async () => {
    const before = begun
    begun = (await scenario.ledger()).started.length
    const { messageCount } = await channel.checkQueue(scenario.stage.queue)
    return begun === before && messageCount > 20 && scenario.inFlight()
  }
  return waitFor('no job is begun', look, { timeoutMs: 8_000, everyMs: 700 }).catch(() => new Set())
}
