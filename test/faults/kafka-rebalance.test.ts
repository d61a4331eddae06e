import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { waitFor } from '../helpers/wait.ts'
import type { WorkerProcess } from '../helpers/worker-process.ts'
import { gateOf } from './job.ts'
import {
  assertEpochsSeen,
  interruptedBy,
  openOnKafka,
  SESSION_TIMEOUT_MS,
  sharedOut,
  tappedKafka,
} from './kafka-scenario.ts'
import type { KafkaStage } from './kafka-stage.ts'
import { assertDrained, assertNothingTwice } from './plays.ts'
import { type Scenario, stop } from './scenario.ts'

const STEP_MS = 2_000
/** A minute. The other tests of this file run in its shadow. */
const STEPS = 30
const MAX_VISITORS = 2
/** Long enough for jobs to end, and for a commit to be refused and tried again, while a request or its answer is on its way. */
const LATENCY_MS = 300

/** Waits until the group is in one of Kafka's states, with so many members where it is said. */
function untilGroupIs({ made: { admin, group } }: KafkaStage, state: string, members?: number): Promise<boolean> {
  const look = async () => {
    const [found] = (await admin.describeGroups([group])).groups
    return found?.state === state && (members === undefined || found.members.length === members)
  }
  return waitFor(`the group is ${state}${members === undefined ? '' : ` with ${members} members`}`, look)
}

/** Waits until each worker has its share. */
function untilSettled({ stage, workers }: Scenario<KafkaStage>): Promise<boolean> {
  return untilGroupIs(stage, 'Stable', workers.size)
}

const tapped = tappedKafka({ after })

suite('sharing out', { concurrency: 2 }, () => {
  test('while a worker joins or leaves every two seconds, no job is lost or begun again, and keys keep their order', async (t) => {
    const scenario = await openOnKafka(t, await tapped)
    const residents = await scenario.addWorkers(2)
    scenario.trickle.start()
    await scenario.untilDone(50)
    const visitors: WorkerProcess[] = []
    const joined: WorkerProcess[] = []
    for (let step = 0; step < STEPS; step += 1) {
      const pace = sleep(STEP_MS)
      const leaver = visitors[0]
      if (leaver === undefined || (visitors.length < MAX_VISITORS && step % 3 !== 2)) {
        // Who comes while the partitions are being shared out for another finds nothing that runs.
        await untilSettled(scenario)
        const visitor = await scenario.addWorker()
        visitors.push(visitor)
        joined.push(visitor)
      } else {
        visitors.shift()
        await scenario.untilBusy(1, leaver.pid)
        assertDrained(await stop(leaver))
      }
      await pace
    }
    await untilSettled(scenario)
    const shared = Math.min(...residents.map(sharedOut))
    const outcome = await scenario.finish()
    const hits = joined.map((visitor) => interruptedBy(visitor, outcome.ledger).length)
    t.diagnostic(
      `${joined.length} joins, which hit ${Math.min(...hits)} to ${Math.max(...hits)} jobs each, and ${STEPS - joined.length} leaves; the partitions were shared out ${shared} times`,
    )
    assert.ok(shared >= joined.length, `void: the partitions were shared out ${shared} times`)
    assert.ok(Math.min(...hits) >= 1, `void: of the jobs in flight, the joins hit ${hits.join(', ')}`)
    assertNothingTwice(outcome)
    assertEpochsSeen(t, scenario.stage, { generations: joined.length, commits: 300 })
  })

  test('a job that takes longer than the session runs once, and its worker keeps its partitions', async (t) => {
    const scenario = await openOnKafka(t, await tapped)
    const workers = await scenario.addWorkers(2)
    // Both have joined before the job begins: one more sharing out would take it along.
    await untilSettled(scenario)
    await waitFor('both know their share', () => workers.every((worker) => sharedOut(worker) > 0))
    const before = workers.map(sharedOut)
    scenario.trickle.send('good', SESSION_TIMEOUT_MS * 2.5)
    await scenario.untilBusy(1)
    const { verdict } = await scenario.finish()
    assert.deepEqual([verdict.done, verdict.repeated], [1, []])
    assert.deepEqual(workers.map(sharedOut), before, 'nobody had to join again')
  })

  test('jobs that outlast a hand-over run on where their partition stays, and once more where it goes', async (t) => {
    const scenario = await openOnKafka(t, await tapped, { env: { TIDEMILL_HAND_OVER_MS: '500' } })
    const { trickle, stage } = scenario
    const ids = await stage.sendGated(4)
    trickle.confirmed.push(...ids)
    const owner = await scenario.addWorker()
    await scenario.untilBusy(ids.length)
    const visitor = await scenario.addWorker()
    await scenario.untilBusy(2, visitor.pid)
    writeFileSync(gateOf(scenario.folder), '')
    const { verdict, ledger } = await scenario.finish()
    const doneBy = (pid: number) => ledger.done.filter((entry) => entry.pid === pid).map(({ id }) => id)
    assert.deepEqual([doneBy(owner.pid).length, doneBy(visitor.pid).length], [2, 2])
    assert.deepEqual(verdict.repeated.toSorted(), doneBy(visitor.pid).toSorted(), 'no other job was begun again')
    assertEpochsSeen(t, stage, { generations: 2, commits: ids.length })
  })

  test('jobs in partitions that are added while workers run are done, those before they are found too', async (t) => {
    const scenario = await openOnKafka(t, await tapped, { settings: { topicPartitions: 2 } })
    const { trickle, stage } = scenario
    const { admin, topics } = stage.made
    // Who shares out hears of them; the other has to take its word for it.
    for (const maxAgeMs of [1_000, 3_600_000]) {
      await scenario.addWorker({ TIDEMILL_METADATA_MAX_AGE_MS: String(maxAgeMs) })
      await untilSettled(scenario)
    }
    trickle.start()
    await scenario.untilDone(50)
    await scenario.untilBusy(2)
    await admin.createPartitions({ topicPartitions: [{ topic: topics.work, count: 6 }] })
    const ids = await stage.send(
      [2, 3, 4, 5].flatMap((partition) =>
        Array.from({ length: 10 }, (_, n) => ({ id: `added-${partition}-${n}`, partition })),
      ),
    )
    trickle.confirmed.push(...ids)
    await scenario.untilDoneAre(ids)
    assertNothingTwice(await scenario.finish())
  })
})

// Not beside the others: all who come by the proxy are slow.
test('jobs that end between a join and what is assigned by it are not committed as if they were of the new assignment', async (t) => {
  const kafka = await tapped
  const scenario = await openOnKafka(t, kafka, {
    env: { TIDEMILL_HAND_OVER_MS: '1000', TIDEMILL_COMMIT_INTERVAL_MS: '20' },
  })
  const { stage, folder } = scenario
  const ids = await stage.sendGated(4)
  scenario.trickle.confirmed.push(...ids)
  const owner = await scenario.addWorker()
  await scenario.untilBusy(ids.length)
  const visitor = await scenario.spawnWorker()
  await untilGroupIs(stage, 'PreparingRebalance')
  kafka.proxy.delay(LATENCY_MS)
  t.after(() => kafka.proxy.heal())
  await untilGroupIs(stage, 'CompletingRebalance')
  writeFileSync(gateOf(folder), '')
  await waitFor('both have their share', () => sharedOut(owner) === 2 && sharedOut(visitor) === 1)
  kafka.proxy.heal()
  const { verdict } = await scenario.finish()
  assert.ok(Object.keys(stage.epochs().refused).length > 0, 'void: nothing was committed in between')
  assert.equal(sharedOut(owner), 2, 'a refusal of what is past takes nothing that was assigned since then')
  assert.equal(verdict.repeated.length, 2, 'only what went to the visitor was begun again')
  assertEpochsSeen(t, stage, { generations: 2, commits: ids.length })
})
