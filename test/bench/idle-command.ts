// What `tidemill work` runs, with log, metrics and probes: how much memory it holds while there is nothing to do.
import { defineJob, defineWorker } from '../../worker/define.ts'
import { runWorker } from '../../worker/main.ts'
import { JOB_TYPE } from './scenarios.ts'
import { readStartTask, tellIdleMemory } from './start-task.ts'

const { url, queue, idleMs } = readStartTask()
const definition = defineWorker({ queue, jobs: [defineJob({ type: JOB_TYPE, async handler() {} })] })
void runWorker(definition, { flags: { brokerUrl: url, httpPort: '0', logLevel: 'error' } }).then((code) => {
  process.exitCode = code
})
void tellIdleMemory(idleMs ?? 0).then(() => process.kill(process.pid, 'SIGTERM'))
