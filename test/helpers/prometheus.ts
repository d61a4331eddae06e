import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type CommandResult, run } from '../../deploy/local/command.ts'
import { installPackages } from '../../deploy/local/install.ts'
import { freePorts } from '../../deploy/local/ports.ts'
import { waitFor } from './wait.ts'

const WANTED = { what: 'Prometheus', packages: ['prometheus'], services: ['prometheus'] }
const PROMTOOL_TIMEOUT_MS = 120_000
const START_TIMEOUT_MS = 60_000

let installed: Promise<void> | undefined

/** Installs Debian's Prometheus where it is missing. Rejects with the one sentence that says what to do where that can't be. */
function needPrometheus(): Promise<void> {
  installed ??= (async () => {
    const found = await Promise.all(
      ['prometheus', 'promtool'].map((name) => run(name, ['--version'], { timeoutMs: 30_000 })),
    )
    if (found.every(({ ok }) => ok)) return
    const log = (line: string) => process.stderr.write(`${line}\n`)
    const failure = await installPackages(WANTED, { install: true, log, env: process.env })
    if (failure !== undefined) throw new Error(`expected prometheus and promtool: ${failure.refused}`)
  })()
  return installed
}

/** Runs promtool to its end. */
export async function promtool(args: readonly string[]): Promise<CommandResult> {
  await needPrometheus()
  return run('promtool', args, { timeoutMs: PROMTOOL_TIMEOUT_MS })
}

/** One series of an answer, with its last value. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [time: number, value: string]
}

/** A Prometheus of a test's own. */
export interface Prometheus {
  /** Asks for an expression's value now. Rejects with what Prometheus has against it. */
  query(expression: string): Promise<readonly Series[]>
  /** A GET of its API, `/api/v1/` before the path. */
  get<T>(path: string): Promise<T>
}

/** Starts a Prometheus with a configuration (YAML), on a free port; it ends, and its data go, with `t.after`. */
export async function startPrometheus(t: TestContext, config: string): Promise<Prometheus> {
  await needPrometheus()
  const folder = mkdtempSync(join(tmpdir(), 'tidemill-prometheus-'))
  const [port] = (await freePorts(1)) as [number]
  writeFileSync(join(folder, 'prometheus.yml'), config)
  const args = [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=warn',
  ]
  const child = spawn('prometheus', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  const closed = once(child, 'close')
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    log += chunk
  })
  t.after(async () => {
    child.kill('SIGKILL')
    await closed
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  })
  const url = `http://127.0.0.1:${port}`
  await waitFor(
    'Prometheus is ready',
    async () => {
      if (child.exitCode !== null) throw new Error(`Prometheus ended before it was ready:\n${log}`)
      return (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok
    },
    { timeoutMs: START_TIMEOUT_MS, everyMs: 100 },
  )
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${url}/api/v1/${path}`, { signal: AbortSignal.timeout(30_000) })
    const { data, error } = (await response.json()) as { data: T; error?: string }
    if (!response.ok) throw new Error(`${path}: ${error}`)
    return data
  }
  return {
    get,
    async query(expression) {
      const { result } = await get<{ result: Series[] }>(`query?query=${encodeURIComponent(expression)}`)
      return result
    },
  }
}
