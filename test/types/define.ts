import * as v from 'valibot'
import * as z from 'zod'
import { type Context, defineJob, defineWorker } from '../../worker/define.ts'
import { defineThreadHandler } from '../../worker/threads/index.ts'

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
const film = defineJob({
  type: 'film',
  schema: v.object({ path: v.string() }),
  handler: new URL('./film.ts', import.meta.url),
  timeoutMs: 60_000,
})
defineWorker({ queue: 'q', threads: 2, jobs: [film, b, c] })
defineWorker({
  queue: 'q',
  jobs: [defineJob({ type: 'd', handler: new URL('./d.ts', import.meta.url) }), a],
  setup: () => ({ db: { find: (id: string) => id } }),
})
// @ts-expect-error: a path is not a URL
defineJob({ type: 'd', handler: './d.ts' })
// A job whose handler is a function can be called in a test.
const called: void | Promise<void> = b.handler({} as never, {} as never)
// @ts-expect-error: a module can not
film.handler({} as never, {} as never)
void called
defineThreadHandler<{ path: string }, { encoder: number }>(async (job, { signal, log, resources }) => {
  log.info({ path: job.payload.path.trim() })
  signal.throwIfAborted()
  resources.encoder.toFixed()
})
defineThreadHandler((job, { resources }) => {
  const unread: [unknown, undefined] = [job.payload, resources]
  void unread
  // @ts-expect-error: nobody said what the payload is
  job.payload.path
})
