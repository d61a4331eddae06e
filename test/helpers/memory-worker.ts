import { memoryBroker } from '../../worker/brokers/memory/index.ts'
import { defineJob, defineWorker, type JobDefinition, type WorkerDefinition } from '../../worker/define.ts'
import { createProducer } from '../../worker/producer.ts'
import { createWorker, type WorkerOptions } from '../../worker/worker.ts'

let counter = 0

/** A memory broker of its own, and a worker and a producer on it. */
export function memoryWorker(
  t: { after(fn: () => unknown): void },
  definition: Partial<WorkerDefinition>,
  options: Partial<WorkerOptions> = {},
) {
  const url = `memory://worker-test-${++counter}`
  const memory = memoryBroker(`worker-test-${counter}`)
  const jobs = definition.jobs ?? [defineJob({ type: 'job', handler() {} })]
  const worker = createWorker(defineWorker({ queue: 'q', concurrency: 3, ...definition, jobs }), {
    broker: url,
    ...options,
  })
  const producer = createProducer({ broker: url, queue: 'q' })
  t.after(async () => {
    worker.abort()
    await worker.finished
    await producer.close()
  })
  const enqueue = (job: JobDefinition<any, any, any> = jobs[0]!, payload: unknown = {}, id?: string) =>
    producer.enqueue(job, payload, id === undefined ? {} : { id })
  return { worker, producer, memory, enqueue }
}
