import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
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
  /** With Node's compile cache filled, as in an image that was started once when it was built. */
  readonly tidemillCachedMs: Spread
  readonly loopMs: Spread
  /** Median by median. */
  readonly ratioToBareNode: number
  readonly idleRssMb: { readonly worker: Spread; readonly command: Spread; readonly loop: Spread }
}

/** Measures how fast tidemill starts and how much it holds when idle; `folder` holds the bundled programs. */
export async function measureStart(
  folder: string,
  url: string,
  samples: number,
  progress: (line: string) => void,
): Promise<StartResult> {
  const queue = await BenchQueue.open(url, 'quorum')
  try {
    const times = {
      bareNode: [] as number[],
      tidemill: [] as number[],
      tidemillCached: [] as number[],
      loop: [] as number[],
    }
    const cache = { NODE_COMPILE_CACHE: join(folder, 'compile-cache') }
    const task: StartTask = { url, queue: queue.name }
    // One more comes first and is thrown away: it finds cold files.
    for (let sample = 0; sample <= samples; sample++) {
      const figures = {
        bareNode: await bareNodeMs(),
        tidemill: await firstAckMs(folder, 'first-ack', task, queue),
        tidemillCached: await firstAckMs(folder, 'first-ack', task, queue, cache),
        loop: await firstAckMs(folder, 'loop-first-ack', task, queue),
      }
      if (sample === 0) continue
      for (const key of ['bareNode', 'tidemill', 'tidemillCached', 'loop'] as const) times[key].push(figures[key])
    }
    progress(`start: ${samples} samples taken`)
    const idle = {
      worker: await idleRssMb(folder, 'first-ack', task),
      command: await idleRssMb(folder, 'idle-command', task),
      loop: await idleRssMb(folder, 'loop-first-ack', task),
    }
    progress(`idle: ${IDLE_SAMPLES} samples of ${IDLE_MS} ms taken`)
    const spread = (figures: readonly number[]) => rounded(spreadOf(figures), 1)
    return {
      samples,
      bareNodeMs: spread(times.bareNode),
      tidemillMs: spread(times.tidemill),
      tidemillCachedMs: spread(times.tidemillCached),
      loopMs: spread(times.loop),
      ratioToBareNode: Number((spreadOf(times.tidemill).median / spreadOf(times.bareNode).median).toFixed(2)),
      idleRssMb: idle,
    }
  } finally {
    await queue.remove()
  }
}

/** The memory that a program holds while there is nothing to do, in MB. */
export async function idleRssMb(folder: string, program: string, task: StartTask): Promise<Spread> {
  const figures: number[] = []
  for (let sample = 0; sample < IDLE_SAMPLES; sample++) {
    figures.push((await start(folder, program, { ...task, idleMs: IDLE_MS })).idleRssMb!)
  }
  return rounded(spreadOf(figures), 1)
}

async function bareNodeMs(): Promise<number> {
  const begun = performance.now()
  const child = spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' })
  await once(child, 'exit')
  return performance.now() - begun
}

async function firstAckMs(
  folder: string,
  program: string,
  task: StartTask,
  queue: BenchQueue,
  env: NodeJS.ProcessEnv = {},
): Promise<number> {
  await queue.fill(1)
  const begunAt = performance.timeOrigin + performance.now()
  const { ackedAt } = await start(folder, program, task, env)
  await queue.expectEmpty()
  return ackedAt! - begunAt
}

async function start(
  folder: string,
  program: string,
  task: StartTask,
  env: NodeJS.ProcessEnv = {},
): Promise<StartReport> {
  const child = spawn(process.execPath, [join(folder, `${program}.cjs`), JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  })
  const [output, [code, signal]] = await Promise.all([text(child.stdout), once(child, 'close')])
  if (code !== 0) throw new Error(`${program}: expected exit code 0, got ${signal ?? code}`)
  return JSON.parse(output)
}
