import * as v from 'valibot'
import * as z from 'zod'
import { type Context, defineJob, defineWorker } from '../../worker/define.ts'

interface Resources {
  db: { find(id: string): string }
}
const a = defineJob({
  type: 'a',
  schema: z.object({ orderId: z.string() }),
  retry: { attempts: 5 },
  async handler(job, { resources, log }: Context<Resources>) {
    const x: string = job.payload.orderId
    log.info({ x })
    resources.db.find(x)
  },
})
const b = defineJob({
  type: 'b',
  schema: v.object({ n: v.number() }),
  async handler(job, { signal }) {
    signal.throwIfAborted()
    job.payload.n.toFixed()
  },
})
const c = defineJob({
  type: 'c',
  handler(job) {
    const u: unknown = job.payload
    void u
  },
})
defineWorker({
  queue: 'q',
  jobs: [a, b, c],
  setup() {
    return { db: { find: (id: string) => id }, more: 1 }
  },
  teardown({ db }) {
    db.find('')
  },
})
defineWorker({ queue: 'q', jobs: [b, c] })
defineWorker({
  queue: 'q',
  jobs: [b, c],
  async setup() {
    return { s: 1 }
  },
  teardown({ s }) {
    s.toFixed()
  },
})
defineWorker({
  queue: 'q',
  // @ts-expect-error: the handler needs a db, and there is no setup()
  jobs: [a],
})
defineWorker({
  queue: 'q',
  // @ts-expect-error: the handler needs a db, and setup() gives none
  jobs: [a],
  setup() {
    return { s: 1 }
  },
})
