import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharedKafka } from '../helpers/kafka.ts'
import { recounted, startLoad } from '../helpers/load-run.ts'
import { adminOf, kafkaAt } from '../helpers/topic.ts'
import { readLedger } from '../load/ledger.ts'
import type { LoadReport } from '../load/load-report.ts'

test('on Kafka the example jobs outlive kills and drains, keep the order of their keys, and leave no topic', async (t) => {
  const broker = await sharedKafka()
  const args = ['--jobs', '400', '--rate', '60', '--kill', '1', '--term', '1', '--poison', '1']
  const { code, report, stderr } = await startLoad(t, broker.url, args).ended
  assert.equal(code, 0, stderr)
  const { ok, lost, enqueued, done, dead, kills, terms, left, orderViolations, faults } = report
  assert.deepEqual(
    { ok, broker: report.broker, lost, enqueued, done, dead, kills, terms, left, orderViolations, faults },
    {
      ok: true,
      broker: 'kafka',
      lost: 0,
      enqueued: 400,
      done: 399,
      dead: 1,
      kills: 1,
      terms: 1,
      left: 0,
      orderViolations: 0,
      faults: [],
    },
  )
  const recount = await recounted(report)
  for (const [name, figure] of Object.entries(recount)) assert.deepEqual(report[name as keyof LoadReport], figure, name)
  const { enqueued: entries } = await readLedger(report.ledger)
  assert.ok(new Set(entries.map(({ key }) => key)).size > 100, 'jobs have keys, or there is no order to keep')
  const admin = await adminOf(t, kafkaAt(broker.url))
  assert.deepEqual(
    (await admin.listTopics()).filter((topic) => topic.startsWith('load-')),
    [],
  )
})

test('connections to a Kafka that it started itself are cut with jobs in flight, and none is lost', async (t) => {
  const args = ['--broker', 'kafka', '--jobs', '300', '--rate', '40', '--cut', '2']
  const { code, report, stderr } = await startLoad(t, undefined, args).ended
  assert.equal(code, 0, stderr)
  assert.deepEqual([report.lost, report.cuts, report.orderViolations], [0, 2, 0])
})
