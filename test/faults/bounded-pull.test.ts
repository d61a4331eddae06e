import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharedBroker } from '../helpers/broker.ts'
import { Management } from '../helpers/management.ts'
import { waitFor } from '../helpers/wait.ts'
import { RabbitmqStage } from './rabbitmq-stage.ts'
import { Scenario } from './scenario.ts'

const READY = 10_000
const CONCURRENCY = 5
const LOOKS = 8

interface Figures {
  readonly messages_ready?: number
  readonly messages_unacknowledged?: number
}

test('with 10,000 jobs ready and a concurrency of 5, the broker never shows more than 5 unacknowledged', async (t) => {
  const broker = await sharedBroker()
  const stage = await RabbitmqStage.open(t, broker)
  const scenario = Scenario.open(t, stage, { env: { TIDEMILL_CONCURRENCY: String(CONCURRENCY) } })
  const { queue, connection } = stage.made
  const channel = await connection.createConfirmChannel()
  const body = Buffer.from('{"ms":150,"mood":"good"}')
  for (let n = 0; n < READY; n += 1) {
    channel.publish(`${queue}.work`, queue, body, { persistent: true, type: 'fault.job', messageId: `job-${n}` })
  }
  await channel.waitForConfirms()
  const worker = await scenario.addWorker()
  const management = new Management(broker)
  const figures = async () => (await management.get<Figures>(`/api/queues/%2F/${queue}`)) ?? {}
  await waitFor(
    'the broker shows that the worker works',
    async () => ((await figures()).messages_unacknowledged ?? 0) > 0,
  )

  const seen: number[] = []
  for (let ready = Number.POSITIVE_INFINITY; seen.length < LOOKS; ) {
    // A figure counts once: the broker makes new ones about every second.
    const fresh = await waitFor(
      'the broker makes new figures',
      async () => {
        const now = await figures()
        return (now.messages_ready ?? ready) < ready && now
      },
      { everyMs: 100 },
    )
    ready = fresh.messages_ready ?? ready
    const unacknowledged = fresh.messages_unacknowledged ?? 0
    assert.ok(unacknowledged <= CONCURRENCY, `${unacknowledged} were unacknowledged`)
    seen.push(unacknowledged)
  }
  t.diagnostic(`unacknowledged: ${seen.join(', ')}`)
  assert.ok(Math.max(...seen) === CONCURRENCY, 'void: the worker never had its hands full')
  worker.signal('SIGTERM')
  assert.deepEqual(await worker.exit(), { code: 0, signal: null })
})
