import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sharedBroker } from '../helpers/broker.ts'
import { waitFor } from '../helpers/wait.ts'
import { FaultProxy } from '../load/proxy.ts'
import { RabbitmqStage } from './rabbitmq-stage.ts'
import { Scenario } from './scenario.ts'

test('connections that are cut, and a network that swallows everything, lose no job', async (t) => {
  const broker = await sharedBroker()
  const proxy = await FaultProxy.start(broker.url)
  t.after(() => proxy.close())
  const scenario = Scenario.open(t, await RabbitmqStage.open(t, broker), {
    workerUrl: proxy.through(broker.url),
    env: { TIDEMILL_HEARTBEAT_MS: '1000', TIDEMILL_CONNECT_TIMEOUT_MS: '2000' },
  })
  const workers = await scenario.addWorkers(3)
  scenario.trickle.start()
  const hit = new Set<string>()
  for (let cut = 0; cut < 4; cut += 1) {
    await scenario.untilDone(60)
    for (const id of await scenario.untilBusy(3)) hit.add(id)
    assert.ok(proxy.cut() >= 3, 'void: nothing was cut')
  }
  await scenario.untilDone(60)
  for (const id of await scenario.untilBusy(3)) hit.add(id)
  const connections = proxy.accepted
  proxy.blackhole()
  await waitFor('a worker gives the silent connection up and dials again', () => proxy.accepted > connections)
  // Longer than a try to connect may take: such a try must end as well.
  await sleep(2_500)
  proxy.heal()
  await scenario.untilDone(100)
  assert.ok(workers.every((worker) => worker.isRunning))
  const { verdict } = await scenario.finish()
  const again = [...hit].filter((id) => verdict.repeated.includes(id))
  assert.ok(again.length >= 5, `void: of ${hit.size} jobs in flight ${again.length} were begun again`)
  assert.ok(verdict.duplicated.length <= 5 * 30, `${verdict.duplicated.length} duplicates`)
  assert.equal(proxy.open, 0, 'no connection outlives its worker')
})
