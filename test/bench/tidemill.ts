// The contestant: a worker as a user would embed it, with its metrics on.
import { defineJob, defineWorker } from '../../worker/define.ts'
import { createMetrics } from '../../worker/metrics.ts'
import { createWorker } from '../../worker/worker.ts'
import { Meter, report } from './meter.ts'
import { handlerOf, JOB_TYPE, readTask } from './scenarios.ts'

const task = readTask()
const meter = new Meter(task)
const handler = handlerOf(task.handler)
const { queue, concurrency, readAhead } = task

const RAW = {
  contentType: 'application/octet-stream',
  encode: (body: unknown) => body as Uint8Array,
  decode: (body: Uint8Array) => body,
}

const job = defineJob({
  type: JOB_TYPE,
  ...(task.isRaw === true ? { codec: RAW } : {}),
  async handler() {
    await handler()
    meter.tick()
  },
})
const definition = defineWorker({ queue, concurrency, readAhead, jobs: [job] })
const metrics = createMetrics({ types: [JOB_TYPE], limit: concurrency, processMetrics: true })
const settings = task.group === undefined ? {} : { consumerGroup: task.group }
const worker = createWorker(definition, { broker: task.url, observer: metrics, settings })

async function main(): Promise<void> {
  await worker.start()

  const measurement = await meter.finished
  const { error } = await worker.drain()
  if (error) throw error
  report(measurement)
}

void main()
