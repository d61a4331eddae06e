import { defineJob, defineWorker } from 'tidemill'
import * as z from 'zod'

const greet = defineJob({
  type: 'greet',
  schema: z.object({ name: z.string() }),
  async handler(job, { log, signal }) {
    signal.throwIfAborted()
    log.info({ name: job.payload.name }, 'greeted')
  },
})

export default defineWorker({ queue: 'greetings', jobs: [greet] })
