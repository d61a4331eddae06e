// Bundled into one file, then started again and again: how long from the spawn until the first job is acknowledged.
import { defineJob, defineWorker } from '../../worker/define.ts'
import { createMetrics } from '../../worker/metrics.ts'
import { createWorker } from '../../worker/worker.ts'
import { JOB_TYPE } from './scenarios.ts'
import { readStartTask, tellIdleMemory, tellTime } from './start-task.ts'

const { url, queue, idleMs } = readStartTask()
const job = defineJob({ type: JOB_TYPE, async handler() {} })
const definition = defineWorker({ queue, jobs: [job] })
const metrics = createMetrics({ types: [JOB_TYPE], limit: 10, processMetrics: true })
const worker = createWorker(definition, { broker: url, observer: metrics })
worker.on('settled', (_message, outcome, written) => {
  if (outcome.kind !== 'ack' || !written) throw new Error(`expected an acknowledgement, got ${outcome.kind}`)
  tellTime()
  void worker.drain()
})
void worker.start()
if (idleMs !== undefined) void tellIdleMemory(idleMs).then(() => worker.drain())
