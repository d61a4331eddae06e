import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { readEvents } from '../load/events.ts'
import { readLedger } from '../load/ledger.ts'
import type { LoadReport } from '../load/load-report.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/** A `tidemill load` that was started. */
export interface LoadRun {
  readonly child: ChildProcess
  /** Where it keeps its files. */
  readonly folder: string
  readonly ended: Promise<{ code: number | null; report: LoadReport & { error?: string }; stderr: string }>
}

/** Starts `tidemill load` on a broker, without a URL on one of its own; it is killed with `t.after`, should it still run then. */
export function startLoad(
  t: TestContext,
  url: string | undefined,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): LoadRun {
  const folder = mkdtempSync(join(tmpdir(), 'load-'))
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  const inherited = Object.entries(process.env).filter(([name]) => !/^(TIDEMILL_|NODE_TEST_CONTEXT$)/.test(name))
  const child = spawn(process.execPath, [join(ROOT, 'bin', 'tidemill.ts'), 'load', ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...Object.fromEntries(inherited),
      TMPDIR: folder,
      ...(url !== undefined && { TIDEMILL_BROKER_URL: url }),
      ...env,
    },
  })
  const [stdout, stderr] = [text(child.stdout!), text(child.stderr!)]
  const ended = once(child, 'close').then(async ([code]) => {
    const lines = (await stdout).trimEnd().split('\n')
    return { code, report: JSON.parse(lines.at(-1) || '{}'), stderr: await stderr }
  })
  t.after(() => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    return ended
  })
  return { child, folder, ended }
}

/** Counts from the files, with nothing of the load's own but their form. */
export async function recounted({ ledger }: LoadReport): Promise<Partial<LoadReport>> {
  const { enqueued, started, done, dead } = await readLedger(ledger)
  const times = new Map<string, number>()
  for (const { id } of done) times.set(id, (times.get(id) ?? 0) + 1)
  const isDead = new Set(dead.map(({ id }) => id))
  const begun = new Map<string, number>()
  for (const { id, t } of started) if (!begun.has(id)) begun.set(id, t)
  const waits = enqueued.filter(({ id }) => begun.has(id)).map(({ id, t }) => Math.max(0, begun.get(id)! - t))
  const strikes = (await readEvents(ledger)).filter((event) => event.event === 'strike')
  const hits = (kind: string) => strikes.filter(({ strike, hit }) => strike === kind && hit > 0).length
  return {
    enqueued: enqueued.length,
    done: enqueued.filter(({ id }) => times.has(id)).length,
    dead: dead.length,
    lost: enqueued.filter(({ id, planted }) => (isDead.has(id) ? !planted : !times.has(id))).length,
    duplicated: [...times.values()].filter((count) => count > 1).length,
    kills: hits('kill'),
    terms: hits('term'),
    waitMs: percentiles(waits),
  }
}

function percentiles(waits: readonly number[]) {
  const sorted = waits.toSorted((one, other) => one - other)
  const at = (percent: number) => sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? null
  return { p50: at(50), p95: at(95), p99: at(99), max: at(100) }
}
