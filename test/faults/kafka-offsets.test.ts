import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { sharedKafka } from '../helpers/kafka.ts'
import type { WorkerProcess } from '../helpers/worker-process.ts'
import { openOnKafka } from './kafka-scenario.ts'
import type { KafkaStage } from './kafka-stage.ts'
import { assertDrained } from './plays.ts'
import { idOf } from './queue-records.ts'
import { type Scenario, stop } from './scenario.ts'

const BACKLOG = 400
const PARTITIONS = 4
const MISSING = 'partitions without a committed offset begin with the earliest job'

/** A backlog of which a part is done and committed, and nobody works on. */
async function openHalfDone(t: Parameters<typeof openOnKafka>[0]): Promise<Scenario<KafkaStage>> {
  const scenario = await openOnKafka(t, await sharedKafka(), { trickle: { durationsMs: [5, 20] } })
  const { trickle } = scenario
  for (let n = 0; n < BACKLOG; n += 1) trickle.send()
  await trickle.stop()
  const worker = await scenario.addWorker()
  await scenario.untilDone(100)
  assert.deepEqual(missingToldBy(worker), [PARTITIONS], 'a new group has one line about its beginning')
  assertDrained(await stop(worker))
  assert.ok((await scenario.stage.left()).length > 0, 'void: nothing was left')
  return scenario
}

/** Of how many partitions of the work topic a worker says that they had no committed offset, by line. */
function missingToldBy({ output }: WorkerProcess): number[] {
  const lines = output.split('\n').filter((line) => line.includes(MISSING))
  return lines.map((line) => JSON.parse(line).partitions)
}

async function metricOf(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const lines = text.split('\n').filter((line) => line.startsWith(name))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

suite('the offsets of a group', { concurrency: 2 }, () => {
  test('records that were deleted beyond what was committed are told of aloud, and all that is in the log is done', async (t) => {
    const scenario = await openHalfDone(t)
    const { stage, trickle } = scenario
    const { admin, topics, group } = stage.made
    const done = new Set((await scenario.ledger()).done.map(({ id }) => id))
    const [committed] = await admin.fetchOffsets({ groupId: group, topics: [topics.work] })
    const lowest = new Map(committed!.partitions.map(({ partition, offset }) => [partition, Number(offset) + 10]))
    const deleted = (await stage.records()).jobs.filter(
      ({ partition, record }) => record.offset < lowest.get(partition)!,
    )
    await admin.deleteTopicRecords({
      topic: topics.work,
      partitions: [...lowest].map(([partition, offset]) => ({ partition, offset: String(offset) })),
    })
    const lost = new Set(deleted.map(idOf)).difference(done)
    assert.ok(lost.size >= 4, 'void: nothing was deleted that was not done')
    // They can't be done any more.
    const there = trickle.confirmed.splice(0).filter((id) => !lost.has(id))
    trickle.confirmed.push(...there)
    const worker = await scenario.addWorker()
    await scenario.untilDoneAre(there)
    assert.deepEqual(missingToldBy(worker), [], 'the group has its offsets, though the log does not hold them')
    const resets = worker.output.match(/the log does not hold the next job any more/g) ?? []
    assert.equal(resets.length, lowest.size, worker.output.slice(-4_000))
    assert.equal(await metricOf(worker.httpPort, 'tidemill_offset_resets_total'), lowest.size)
    const { verdict } = await scenario.finish()
    assert.deepEqual(verdict.repeated, [])
  })

  test('when the group and its offsets are deleted, the whole log is done again and nothing of it is skipped', async (t) => {
    const scenario = await openHalfDone(t)
    const { admin, group } = scenario.stage.made
    await admin.deleteGroups([group])
    const before = (await scenario.ledger()).done.length
    const worker = await scenario.addWorker()
    await scenario.untilDone(1)
    assert.deepEqual(missingToldBy(worker), [PARTITIONS])
    assert.equal(await metricOf(worker.httpPort, 'tidemill_offsets_missing_total'), PARTITIONS)
    await scenario.addWorker()
    const { verdict } = await scenario.finish()
    assert.ok(verdict.repeated.length >= before, 'void: what was done before was not done again')
  })

  test('offsets beyond the end of the log are told of aloud, and the whole log is done', async (t) => {
    const scenario = await openHalfDone(t)
    const { admin, group, topics } = scenario.stage.made
    const before = (await scenario.ledger()).done.length
    const partitions = [0, 1, 2, 3].map((partition) => ({ partition, offset: '1000000' }))
    await admin.setOffsets({ groupId: group, topic: topics.work, partitions })
    const worker = await scenario.addWorker()
    const { verdict } = await scenario.finish()
    assert.match(worker.output, /"level":"error".*the log does not hold the next job any more/)
    assert.ok(verdict.repeated.length >= before, 'void: what was done before was not done again')
  })
})
