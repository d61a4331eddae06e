import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharedBroker } from '../helpers/broker.ts'
import { waitFor } from '../helpers/wait.ts'
import { Scenario } from './scenario.ts'

test('poison is dead-lettered after exactly its tries, byte for byte, and good jobs do not suffer', async (t) => {
  const scenario = await Scenario.open(t, {
    broker: await sharedBroker(),
    trickle: { mood: (_, random) => (random() < 0.05 ? 'permanent' : random() < 0.05 ? 'failing' : 'good') },
  })
  await scenario.addWorkers(3)
  scenario.trickle.start()
  await scenario.untilDone(500)
  await scenario.trickle.stop()
  const [permanent, failing] = [scenario.trickle.idsOf('permanent'), scenario.trickle.idsOf('failing')]
  assert.ok(permanent.length >= 10 && failing.length >= 10, 'void: too little poison')
  const { verdict, ledger, dead } = await scenario.finish([...permanent, ...failing])
  assert.deepEqual([...verdict.deadIds].sort(), [...permanent, ...failing].sort())
  assert.deepEqual(verdict.duplicated, [])

  const tries = new Map<string, number>()
  for (const { id } of ledger.started) tries.set(id, (tries.get(id) ?? 0) + 1)
  assert.deepEqual(new Set(permanent.map((id) => tries.get(id))), new Set([1]))
  assert.deepEqual(new Set(failing.map((id) => tries.get(id))), new Set([3]))
  for (const { properties, content } of dead) {
    const id = String(properties.messageId)
    const { ms, mood } = JSON.parse(content.toString())
    assert.equal(content.toString(), `{"ms":${ms},"mood":"${mood}"}`)
    assert.equal(mood, scenario.trickle.moods.get(id))
    const { headers = {} } = properties
    assert.equal(headers['tidemill-dead-reason'], mood === 'permanent' ? 'permanent' : 'attempts-exhausted')
    assert.match(String(headers['tidemill-dead-error']), mood === 'permanent' ? /no such order/ : /try again/)
    assert.equal(headers['x-made-by'], 'trickle')
    assert.equal(properties.type, 'fault.job')
  }
})

test('of 60 jobs, the one that kills its process is dead-lettered, and no other', async (t) => {
  const jobs = 60
  const scenario = await Scenario.open(t, { broker: await sharedBroker(), env: { TIDEMILL_SUSPECTS_POLL_MS: '200' } })
  const { trickle } = scenario
  const killer = Array.from({ length: jobs }, (_, n) => trickle.send(n === 12 ? 'killer' : 'good'))[12]!
  await trickle.stop()
  assert.equal(trickle.confirmed.length, jobs)

  let deaths = 0
  let over = false
  /** What Kubernetes does: whoever ends is started again. */
  const keepAlive = async (): Promise<void> => {
    while (!over) {
      const worker = await scenario.addWorker().catch((error: Error) => {
        // It met the killer before it was seen to be ready.
        if (!/ended before it was ready/.test(error.message)) throw error
        return undefined
      })
      const exit = await worker?.exit()
      if (!over) deaths += 1
      if (!over && exit !== undefined)
        assert.deepEqual(exit, { code: null, signal: 'SIGKILL' }, worker?.output.slice(-4_000))
    }
  }
  const keepers = [keepAlive(), keepAlive(), keepAlive()]
  const hit = await scenario.untilBusy(5)
  const channel = await scenario.channel()
  const isDead = async () => (await channel.checkQueue(`${scenario.queue.queue}.dead`)).messageCount > 0
  const { done } = await untilAll(scenario, jobs - 1, isDead)
  assert.equal(done, jobs - 1)
  over = true
  const { verdict, dead, ledger } = await scenario.finish([killer])
  await Promise.all(keepers)

  assert.ok(hit.size >= 5 && deaths >= 3, `void: ${deaths} deaths, ${hit.size} neighbours`)
  assert.deepEqual(verdict.deadIds, [killer])
  assert.equal(dead[0]?.properties.headers?.['tidemill-dead-reason'], 'crash-loop')
  assert.equal(ledger.started.filter(({ id }) => id === killer).length, deaths, 'only the killer kills')
  assert.ok(deaths <= 7, `the killer killed ${deaths} times`)
})

/** Until so many are done and the dead-letter queue holds something. */
async function untilAll(scenario: Scenario, count: number, isDead: () => Promise<boolean>): Promise<{ done: number }> {
  const distinct = async () => new Set((await scenario.ledger()).done.map(({ id }) => id)).size
  await waitFor('all is settled', async () => (await distinct()) >= count && (await isDead()), {
    timeoutMs: 60_000,
    everyMs: 200,
  })
  return { done: await distinct() }
}
