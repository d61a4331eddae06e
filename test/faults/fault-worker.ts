import { defineWorker } from '../../worker/define.ts'
import { LedgerWriter } from '../load/ledger.ts'
import { type Bench, faultJob } from './job.ts'

const { FAULT_QUEUE: queue = '', FAULT_FOLDER: folder = '' } = process.env

export default defineWorker<Bench>({
  queue,
  jobs: [faultJob],
  retryLadderMs: [200, 1_000],
  setup: () => ({ ledger: new LedgerWriter(folder), folder }),
  teardown: ({ ledger }) => ledger.close(),
})
