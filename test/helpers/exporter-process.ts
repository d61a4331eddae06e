import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { freePorts } from '../../deploy/local/ports.ts'
import { waitFor } from './wait.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/** `tidemill exporter` as a process of its own. */
export interface ExporterProcess {
  readonly child: ChildProcess
  readonly httpPort: number
  /** What its /metrics says. */
  scrape(): Promise<string>
}

/** Starts one that reads the backlog anew at each scrape, and waits until it is ready. It ends with `t.after`. */
export async function startExporter(t: TestContext, env: Readonly<Record<string, string>>): Promise<ExporterProcess> {
  const [port] = (await freePorts(1)) as [number]
  const inherited = Object.entries(process.env).filter(([name]) => !/^(TIDEMILL_|NODE_TEST_CONTEXT$)/.test(name))
  const address = { TIDEMILL_HTTP_HOST: '127.0.0.1', TIDEMILL_HTTP_PORT: String(port), TIDEMILL_BACKLOG_CACHE_MS: '0' }
  const child = spawn(process.execPath, ['bin/tidemill.ts', 'exporter'], {
    cwd: ROOT,
    env: { ...Object.fromEntries(inherited), ...address, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const closed = once(child, 'close')
  t.after(async () => {
    child.kill('SIGKILL')
    await closed
  })
  const url = `http://127.0.0.1:${port}`
  await waitFor('the exporter is ready', async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.ok)
  return { child, httpPort: port, scrape: async () => (await fetch(`${url}/metrics`)).text() }
}

/** A figure of a queue in what /metrics says; undefined where it is absent. */
export function figureIn(text: string, name: string): number | undefined {
  const found = new RegExp(`^tidemill_queue_${name}\\{queue="[^"]+"\\} (.*)$`, 'm').exec(text)?.[1]
  return found === undefined ? undefined : Number(found)
}
