import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { isAlive } from '../../deploy/local/leftovers.ts'
import type { DemoReport } from '../load/demo-report.ts'
import { type Entry, readLedger } from '../load/ledger.ts'
import { waitFor } from './wait.ts'

/** `tidemill demo` as a process. */
export interface DemoRun {
  readonly child: ChildProcess
  /** Where it keeps its files. */
  readonly folder: string
  /** Resolves when it has ended. */
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>
}

/** Starts a demo whose temporary files lie in a folder of their own; killed with `t.after`, should it still run then. */
export async function startDemo(
  t: TestContext,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<DemoRun> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemill-test-demo-'))
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('TIDEMILL_') && name !== 'NODE_TEST_CONTEXT',
  )
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../bin/tidemill.ts'), 'demo', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(inherited), TMPDIR: folder, ...env },
  })
  const [stdout, stderr] = [child.stdout!, child.stderr!].map(async (stream) => {
    let text = ''
    for await (const chunk of stream.setEncoding('utf8')) text += chunk
    return text
  }) as [Promise<string>, Promise<string>]
  const ended = once(child, 'close').then(async ([code]) => ({ code, stdout: await stdout, stderr: await stderr }))
  t.after(() => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    return ended
  })
  return { child, folder, ended }
}

export const lastLineOf = (text: string): string => text.trimEnd().split('\n').at(-1)!
const idsOf = (entries: readonly Entry[]): string[] => entries.map(({ id }) => id).sort()

/** Counts a demo's jobs again; returns those that were done. */
export async function recounted(report: Pick<DemoReport, 'ledger'>, jobs: number): Promise<readonly Entry[]> {
  const { enqueued, started, done } = await readLedger(report.ledger)
  assert.equal(enqueued.length, jobs + 1)
  assert.equal(new Set(idsOf(enqueued)).size, jobs + 1)
  const good = idsOf(enqueued).filter((id) => id !== 'order-poison')
  assert.deepEqual(idsOf(done), good)
  // An order that is put off begins again.
  assert.deepEqual([...new Set(idsOf(started))], good)
  return done
}

/** The processes that have done a job, once all three workers have. */
export async function workingPids(run: DemoRun): Promise<number[]> {
  const read = async (): Promise<number[]> => {
    const name = (await readdir(run.folder)).find((entry) => entry.startsWith('tidemill-demo-ledger-'))
    if (name === undefined) return []
    const lines = (await readFile(join(run.folder, name, 'done.ndjson'), 'utf8').catch(() => '')).split('\n')
    return [...new Set(lines.slice(0, -1).map((line) => (JSON.parse(line) as Entry).pid))]
  }
  await waitFor('three workers have done a job', async () => (await read()).length >= 3, { timeoutMs: 30_000 })
  return read()
}

/** Checks that a demo of worker processes ended as it should: every job done once, four processes ended, nothing left but its ledger. */
export async function assertGood(run: DemoRun, orders: number, images: number): Promise<void> {
  const { code, stdout, stderr } = await run.ended
  assert.equal(code, 0, `${stderr}\n${stdout}`)
  const jobs = orders + images
  assert.equal(lastLineOf(stdout), `enqueued ${jobs + 1}, done ${jobs}, dead 1, lost 0, duplicated 0`)
  const [, inFlight, exitCode] = /SIGTERM came with (\d+) jobs? in flight; .* exit code (\d+)/.exec(stdout)!
  assert.ok(Number(inFlight) >= 1)
  assert.equal(exitCode, '0')
  const ledger = /Count it yourself: (.+)/.exec(stdout)![1]!
  const done = await recounted({ ledger }, jobs)
  const pids = new Set(done.map(({ pid }) => pid))
  // Two for orders and one for images; the successor may come too late for a job.
  assert.ok(pids.size === 3 || pids.size === 4, `${pids.size} processes did jobs`)
  for (const pid of pids) assert.equal(isAlive(pid), false, `the process ${pid} still runs`)
  assert.deepEqual(await readdir(run.folder), [ledger.slice(run.folder.length + 1)])
}

/** Asks a demo at work to end, and checks that it tells so and takes its workers down. */
export async function assertEnds(run: DemoRun): Promise<void> {
  const pids = await workingPids(run)
  run.child.kill('SIGTERM')
  const { code, stdout } = await run.ended
  assert.equal(code, 1)
  assert.deepEqual(JSON.parse(lastLineOf(stdout)), { ok: false, error: 'ended by SIGTERM' })
  for (const pid of pids) assert.equal(isAlive(pid), false, `the process ${pid} still runs`)
}
