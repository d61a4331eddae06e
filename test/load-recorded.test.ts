import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { defineJob, defineWorker } from '../worker/define.ts'
import { runJob } from '../worker/run-job.ts'
import { tidemill } from './helpers/command.ts'
import { readLedger } from './load/ledger.ts'
import { recorded } from './load/recorded.ts'

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'recorded-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

async function pagesOf(folder: string): Promise<Record<string, string[]>> {
  const { started, done, failed } = await readLedger(folder)
  const ids = (entries: typeof done) => entries.map(({ id }) => id)
  return { started: ids(started), done: ids(done), failed: ids(failed) }
}

function recordedJob(folder: string, handler: () => Promise<void> | void) {
  const definition = defineWorker({ queue: 'q', jobs: [defineJob({ type: 'j', handler })] })
  return recorded(definition, folder).jobs[0]!
}

test('a job is written down as started before its handler and as done after it', async (t) => {
  const folder = folderFor(t)
  const during: Record<string, string[]>[] = []
  const job = recordedJob(folder, async () => {
    during.push(await pagesOf(folder))
  })
  await runJob(job, {}, { id: 'a' })
  assert.deepEqual(during, [{ started: ['a'], done: [], failed: [] }])
  assert.deepEqual(await pagesOf(folder), { started: ['a'], done: ['a'], failed: [] })
})

test('a job whose handler throws has failed, and the worker gets its error', async (t) => {
  const folder = folderFor(t)
  const job = recordedJob(folder, () => {
    throw new Error('no stock')
  })
  await assert.rejects(runJob(job, {}, { id: 'a' }), /no stock/)
  assert.deepEqual(await pagesOf(folder), { started: ['a'], done: [], failed: ['a'] })
})

test('a job that runs in a thread is written down as any other', async (t) => {
  const folder = folderFor(t)
  const handler = new URL('./fixtures/thread-script.ts', import.meta.url)
  const definition = defineWorker({ queue: 'q', jobs: [defineJob({ type: 'j', handler })] })
  const [job] = recorded(definition, folder).jobs
  await runJob(job!, {}, { id: 'a' })
  await assert.rejects(runJob(job!, { act: 'fail' }, { id: 'b' }), { code: 'E_FILM' })
  assert.deepEqual(await pagesOf(folder), { started: ['a', 'b'], done: ['a'], failed: ['b'] })
})

test('a ledger that can not be opened stops the worker before its first job', async (t) => {
  const folder = folderFor(t)
  writeFileSync(join(folder, 'file'), '')
  writeFileSync(
    join(folder, 'worker.mjs'),
    `import { defineJob, defineWorker } from ${JSON.stringify(join(import.meta.dirname, '../worker/define.ts'))}
     export default defineWorker({ queue: 'q', jobs: [defineJob({ type: 'j', handler() {} })] })`,
  )
  const env = { TIDEMILL_LEDGER: join(folder, 'file') }
  const { code, stderr } = await tidemill(['work', join(folder, 'worker.mjs'), '--broker', 'memory'], { env })
  assert.equal(code, 1)
  assert.match(stderr, /EEXIST|ENOTDIR/)
})
