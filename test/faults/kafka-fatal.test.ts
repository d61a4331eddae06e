import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import kafkajs, { type CompressionTypes } from 'kafkajs'
import { registerCodecs } from '../../worker/brokers/kafka/codecs.ts'
import { sharedKafka } from '../helpers/kafka.ts'
import type { WorkerProcess } from '../helpers/worker-process.ts'
import { openOnKafka } from './kafka-scenario.ts'
import type { KafkaStage } from './kafka-stage.ts'
import { assertNothingTwice } from './plays.ts'
import type { Scenario } from './scenario.ts'

const MIB = 1024 * 1024
/** A worker that tries what can't help again and again says so as often. */
const MAX_ERRORS = 3

/** As on a machine where the optional package was not installed. */
const WITHOUT_LZ4 = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === 'lz4-napi') throw new Error('not installed')
      return next(specifier, context)
    },
  })
`)}`

/** Jobs are in flight; then comes what can't be read. */
async function meetUnreadable(
  scenario: Scenario<KafkaStage>,
  worker: WorkerProcess,
  compression: CompressionTypes,
  value?: Buffer,
): Promise<void> {
  registerCodecs()
  const { stage, trickle } = scenario
  const long = Buffer.from('{"ms":3000,"mood":"good"}')
  const jobs = Array.from({ length: 5 }, (_, n) => ({ id: `running-${n}`, partition: 0, value: long }))
  trickle.confirmed.push(...(await stage.send(jobs)))
  await scenario.untilBusy(jobs.length)
  const unreadable = { id: 'unreadable', partition: 1, ...(value !== undefined && { value }) }
  trickle.confirmed.push(...(await stage.send([unreadable], compression)))
  await endsWithOne(worker)
  assert.deepEqual(await scenario.inFlight(), new Set(), 'what ran was ended')
}

async function endsWithOne(worker: WorkerProcess): Promise<void> {
  assert.deepEqual(await worker.exit(), { code: 1, signal: null }, worker.output.slice(-4_000))
  const errors = worker.output.split('\n').filter((line) => line.includes('"level":"error"'))
  assert.ok(errors.length > 0 && errors.length <= MAX_ERRORS, errors.join('\n'))
}

suite('what no try can help', { concurrency: 2 }, () => {
  test('a worker that lacks the codec of records ends what it runs and then ends with 1; one that has it goes on', async (t) => {
    const scenario = await openOnKafka(t, await sharedKafka(), { settings: { topicPartitions: 2 } })
    const worker = await scenario.addWorker({ NODE_OPTIONS: `--import=${WITHOUT_LZ4}` })
    await meetUnreadable(scenario, worker, kafkajs.CompressionTypes.LZ4)
    assert.match(worker.output, /"level":"error".*npm install lz4-napi/)
    await scenario.addWorker()
    assertNothingTwice(await scenario.finish())
  })

  test('a worker that meets a batch that would fill its memory ends what it runs and then ends with 1', async (t) => {
    const scenario = await openOnKafka(t, await sharedKafka(), { settings: { topicPartitions: 2 } })
    const worker = await scenario.addWorker()
    await meetUnreadable(scenario, worker, kafkajs.CompressionTypes.GZIP, Buffer.alloc(100 * MIB))
    assert.match(worker.output, /"level":"error".*\[1\]: .*larger than/)
  })

  test('a worker whose group belongs to consumers of another kind ends with 1 and says so', async (t) => {
    const scenario = await openOnKafka(t, await sharedKafka())
    const { stage } = scenario
    const consumer = stage.made.kafka.consumer({ groupId: stage.made.group })
    t.after(() => consumer.disconnect())
    await consumer.connect()
    await consumer.subscribe({ topics: [stage.made.topics.work] })
    const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve))
    await consumer.run({ eachMessage: async () => undefined })
    await joined
    const worker = await scenario.spawnWorker()
    await endsWithOne(worker)
    assert.match(worker.output, /protocol/)
  })

  test('a worker that shows a password to a Kafka that takes none ends with 1 and says so, without the password', async (t) => {
    const scenario = await openOnKafka(t, await sharedKafka())
    const worker = await scenario.spawnWorker({ TIDEMILL_BROKER_USERNAME: 'u', TIDEMILL_BROKER_PASSWORD: 'se-cret' })
    await endsWithOne(worker)
    assert.match(worker.output, /SASL/)
    assert.doesNotMatch(worker.output, /se-cret/)
  })
})
