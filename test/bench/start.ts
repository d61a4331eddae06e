import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { build } from 'esbuild'
import { BenchQueue } from './queue.ts'
import type { StartReport, StartTask } from './start-task.ts'
import { rounded, type Spread, spreadOf } from './statistics.ts'

const DEADLINE_MS = 30_000
const IDLE_MS = 3000
const IDLE_SAMPLES = 3

/** Times from the spawn, in ms, and the resident memory of idle processes, in MB; all programs bundled into one file each. */
export interface StartResult {
  readonly samples: number
  /** `node -e 0`, from the spawn to the end. */
  readonly bareNodeMs: Spread
  readonly tidemillMs: Spread
  readonly loopMs: Spread
  /** Median by median. */
  readonly ratioToBareNode: number
  readonly idleRssMb: { readonly worker: Spread; readonly command: Spread; readonly loop: Spread }
}

const PROGRAMS = ['first-ack', 'loop-first-ack', 'idle-command', 'probe-thread'] as const

/** Measures how fast tidemill starts and how much it holds when idle. */
export async function measureStart(
  url: string,
  samples: number,
  progress: (line: string) => void,
): Promise<StartResult> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemill-bench-'))
  const queue = await BenchQueue.open(url, 'quorum')
  try {
    await bundle(folder)
    const times = { bareNode: [] as number[], tidemill: [] as number[], loop: [] as number[] }
    const task: StartTask = { url, queue: queue.name }
    // One more comes first and is thrown away: it finds cold files.
    for (let sample = 0; sample <= samples; sample++) {
      const figures = {
        bareNode: await bareNodeMs(),
        tidemill: await firstAckMs(folder, 'first-ack', task, queue),
        loop: await firstAckMs(folder, 'loop-first-ack', task, queue),
      }
      if (sample === 0) continue
      for (const key of ['bareNode', 'tidemill', 'loop'] as const) times[key].push(figures[key])
    }
    progress(`start: ${samples} samples taken`)
    const idleTask: StartTask = { ...task, idleMs: IDLE_MS }
    const idle = { worker: [] as number[], command: [] as number[], loop: [] as number[] }
    for (let sample = 0; sample < IDLE_SAMPLES; sample++) {
      idle.worker.push((await start(folder, 'first-ack', idleTask)).idleRssMb!)
      idle.command.push((await start(folder, 'idle-command', idleTask)).idleRssMb!)
      idle.loop.push((await start(folder, 'loop-first-ack', idleTask)).idleRssMb!)
    }
    progress(`idle: ${IDLE_SAMPLES} samples of ${IDLE_MS} ms taken`)
    const spread = (figures: readonly number[]) => rounded(spreadOf(figures), 1)
    return {
      samples,
      bareNodeMs: spread(times.bareNode),
      tidemillMs: spread(times.tidemill),
      loopMs: spread(times.loop),
      ratioToBareNode: Number((spreadOf(times.tidemill).median / spreadOf(times.bareNode).median).toFixed(2)),
      idleRssMb: { worker: spread(idle.worker), command: spread(idle.command), loop: spread(idle.loop) },
    }
  } finally {
    await queue.remove()
    await rm(folder, { recursive: true, force: true })
  }
}

async function bundle(folder: string): Promise<void> {
  const sourceOf = (program: string) =>
    program === 'probe-thread' ? join('..', '..', 'worker', program) : join('.', program)
  await build({
    absWorkingDir: import.meta.dirname,
    entryPoints: PROGRAMS.map((program) => ({ in: `${sourceOf(program)}.ts`, out: program })),
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node22',
    format: 'cjs',
    // What an ES module knows of its own place; a CommonJS bundle has to be told.
    define: {
      'import.meta.url': 'bundleUrl',
      'import.meta.dirname': '__dirname',
      'import.meta.filename': '__filename',
    },
    banner: { js: "const bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
    logLevel: 'warning',
  })
}

async function bareNodeMs(): Promise<number> {
  const begun = performance.now()
  const child = spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' })
  await once(child, 'exit')
  return performance.now() - begun
}

async function firstAckMs(
  folder: string,
  program: (typeof PROGRAMS)[number],
  task: StartTask,
  queue: BenchQueue,
): Promise<number> {
  await queue.fill(1)
  const begunAt = performance.timeOrigin + performance.now()
  const { ackedAt } = await start(folder, program, task)
  await queue.expectEmpty()
  return ackedAt! - begunAt
}

async function start(folder: string, program: string, task: StartTask): Promise<StartReport> {
  const child = spawn(process.execPath, [join(folder, `${program}.cjs`), JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  })
  const [output, [code, signal]] = await Promise.all([text(child.stdout), once(child, 'close')])
  if (code !== 0) throw new Error(`${program}: expected exit code 0, got ${signal ?? code}`)
  return JSON.parse(output)
}
