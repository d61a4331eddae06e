import { defineWorker, type JobDefinition, type WorkerDefinition } from '../../worker/define.ts'
import { LedgerWriter } from './ledger.ts'

/**
 * The same worker, whose every job is written into a ledger around its handler: `started` before it, `done` or `failed` after it and
 * before the job is settled. What it writes is what the handler did, whatever the worker makes of it afterwards.
 * @param folder made when it is not there
 * @param pid stands in the ledger for the process; default: this one's
 */
export function recorded(definition: WorkerDefinition, folder: string, pid?: number): WorkerDefinition {
  const ledger = new LedgerWriter(folder, pid)
  return defineWorker({ ...definition, jobs: definition.jobs.map((job) => recordedJob(job, ledger)) })
}

function recordedJob(job: JobDefinition<any, any, any>, ledger: LedgerWriter): JobDefinition<any, any, any> {
  return {
    ...job,
    async '~around'(id, run) {
      ledger.write('started', id)
      try {
        await run()
      } catch (error) {
        ledger.write('failed', id)
        throw error
      }
      ledger.write('done', id)
    },
  }
}
