import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { waitFor } from '../helpers/wait.ts'
import { assertEpochsSeen, BOUND, openOnKafka, SESSION_TIMEOUT_MS, sharedOut, tappedKafka } from './kafka-scenario.ts'
import { abandonJob, assertDrained, assertNothingTwice, killWorkers, rollWorkers, SHORT_DRAIN } from './plays.ts'
import { stop } from './scenario.ts'

const tapped = tappedKafka({ after })

suite('the processes of workers on Kafka', { concurrency: 2 }, () => {
  test('a SIGKILL of workers on Kafka loses no job, and no more than the bound of uncommitted jobs runs again', async (t) => {
    const kills = 3
    const scenario = await openOnKafka(t, await tapped)
    const { verdict } = await killWorkers(scenario, kills)
    assert.ok(verdict.repeated.length <= kills * BOUND, `${verdict.repeated.length} jobs were begun again`)
  })

  test('a SIGTERM roll of all workers on Kafka, twice, begins no job again and ends each with 0', async (t) => {
    await rollWorkers(await openOnKafka(t, await tapped))
  })

  test('a job on Kafka longer than the drain is given back, the others are finished, and the worker ends with 75', async (t) => {
    await abandonJob(await openOnKafka(t, await tapped, { env: SHORT_DRAIN }))
  })

  test('four workers that are scaled to zero in the midst of a backlog, and back, leave and begin no job twice', async (t) => {
    const scenario = await openOnKafka(t, await tapped)
    const { trickle, stage } = scenario
    for (let n = 0; n < 1_200; n += 1) trickle.send()
    await trickle.stop()
    await scenario.addWorkers(4)
    await scenario.untilDone(300)
    const { size: hit } = await scenario.untilBusy(4)
    for (const end of await Promise.all([...scenario.workers].map((worker) => stop(worker)))) assertDrained(end)
    const left = await stage.left()
    assert.ok(hit >= 4 && left.length > 0, `void: ${hit} jobs were in flight, and ${left} was left`)
    assert.deepEqual(await scenario.inFlight(), new Set())
    await scenario.addWorkers(4)
    assertNothingTwice(await scenario.finish())
  })

  test('a worker that was frozen beyond its session commits nothing of what it had lost when it goes on', async (t) => {
    const scenario = await openOnKafka(t, await tapped)
    const [frozen] = await scenario.addWorkers(2)
    scenario.trickle.start()
    await scenario.untilDone(100)
    const hit = await scenario.untilBusy(3, frozen!.pid)
    const joined = sharedOut(frozen!)
    frozen!.signal('SIGSTOP')
    await waitFor(
      'its jobs are begun elsewhere',
      async () => {
        const { started } = await scenario.ledger()
        return started.some(({ id, pid }) => hit.has(id) && pid !== frozen!.pid)
      },
      { timeoutMs: SESSION_TIMEOUT_MS * 4 },
    )
    await scenario.untilDone(200)
    frozen!.signal('SIGCONT')
    await waitFor('it has joined again', () => sharedOut(frozen!) > joined)
    await scenario.untilDone(200)
    const ofFrozen = async () => (await scenario.ledger()).done.filter(({ pid }) => pid === frozen!.pid).length
    const before = await ofFrozen()
    await waitFor('it works again', async () => (await ofFrozen()) > before + 20)
    const { verdict } = await scenario.finish()
    assert.ok(verdict.repeated.length > 0, 'void: no job in flight was interrupted')
    assert.ok(verdict.repeated.length <= BOUND, `${verdict.repeated.length} jobs were begun again`)
    // Both together, one alone, and both again.
    assertEpochsSeen(t, scenario.stage, { generations: 3, commits: 50 })
  })

  test('when the first job blocks and 500 behind it are done, a crash makes it run again, and of the others no more than the bound', async (t) => {
    const scenario = await openOnKafka(t, await tapped, {
      settings: { topicPartitions: 1 },
      trickle: { key: () => undefined, durationsMs: [5, 20] },
    })
    const { trickle } = scenario
    const first = trickle.send('long')
    const others = Array.from({ length: 500 }, () => trickle.send())
    await trickle.stop()
    const worker = await scenario.addWorker()
    await scenario.untilDoneAre(others)
    assert.deepEqual(await scenario.inFlight(), new Set([first]), 'void: the first job does not block')
    worker.signal('SIGKILL')
    await worker.exit()
    await scenario.addWorker()
    const { verdict } = await scenario.finish()
    assert.ok(verdict.repeated.includes(first), 'void: the first job was not begun again')
    assert.ok(verdict.repeated.length <= BOUND, `${verdict.repeated.length} jobs were begun again`)
    assert.deepEqual(verdict.duplicated.includes(first), false)
  })
})
