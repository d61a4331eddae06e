import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharedBroker } from '../helpers/broker.ts'
import { Scenario, stop } from './scenario.ts'
import { mulberry32 } from './trickle.ts'

const CONCURRENCY = 10

test('a SIGKILL of workers loses no job', async (t) => {
  const kills = 6
  const scenario = await Scenario.open(t, { broker: await sharedBroker() })
  await scenario.addWorkers(3)
  scenario.trickle.start()
  const random = mulberry32(7)
  const interrupted: string[] = []
  for (let kill = 0; kill < kills; kill += 1) {
    const victims = [...scenario.workers]
    const victim = victims[Math.floor(random() * victims.length)]!
    await scenario.untilBusy(2, victim.pid)
    victim.signal('SIGKILL')
    await victim.exit()
    interrupted.push(...(await scenario.inFlight(victim.pid)))
    await scenario.addWorker()
  }
  const { verdict } = await scenario.finish()
  assert.ok(interrupted.length >= kills, `void: ${kills} kills hit ${interrupted.length} jobs in flight`)
  assert.ok(verdict.enqueued > 200, `void: only ${verdict.enqueued} jobs`)
  assert.deepEqual(
    interrupted.filter((id) => !verdict.repeated.includes(id)),
    [],
    'each interrupted job was begun again',
  )
  assert.ok(verdict.duplicated.length <= kills * CONCURRENCY, `${verdict.duplicated.length} duplicates`)
})

test('a SIGTERM roll of all workers, twice, begins no job again and ends each with 0', async (t) => {
  const scenario = await Scenario.open(t, { broker: await sharedBroker() })
  await scenario.addWorkers(3)
  scenario.trickle.start()
  let hit = 0
  for (let round = 0; round < 2; round += 1) {
    for (const worker of [...scenario.workers]) {
      await scenario.addWorker()
      hit += (await scenario.untilBusy(2, worker.pid)).size
      const { exit, output } = await stop(worker)
      assert.deepEqual(exit, { code: 0, signal: null }, output.slice(-4_000))
    }
  }
  const { verdict } = await scenario.finish()
  assert.ok(hit >= 12, `void: the signals hit ${hit} jobs in flight`)
  assert.deepEqual(verdict.repeated, [], 'jobs were begun again')
  assert.deepEqual(verdict.duplicated, [])
})

test('a job longer than the drain is given back, the others are finished, and the worker ends with 75', async (t) => {
  const scenario = await Scenario.open(t, {
    broker: await sharedBroker(),
    env: { TIDEMILL_DRAIN_TIMEOUT_MS: '2000', TIDEMILL_ABORT_GRACE_MS: '500' },
  })
  const worker = await scenario.addWorker()
  scenario.trickle.start()
  const long = scenario.trickle.send('long')
  const busy = await scenario.untilBusy(5, worker.pid)
  assert.ok(busy.size >= 5)
  await scenario.untilDone(20)
  assert.ok((await scenario.inFlight(worker.pid)).has(long), 'void: the long job does not run')
  const begun = performance.now()
  const { exit, output } = await stop(worker)
  const elapsedMs = performance.now() - begun
  assert.deepEqual(exit, { code: 75, signal: null }, output.slice(-4_000))
  assert.ok(elapsedMs > 1_900 && elapsedMs < 6_000, `it took ${elapsedMs} ms`)
  assert.deepEqual([...(await scenario.inFlight(worker.pid))], [long], 'all others were finished')
  await scenario.addWorkers(2)
  const { verdict } = await scenario.finish()
  assert.deepEqual([verdict.repeated, verdict.duplicated], [[long], []])
})
