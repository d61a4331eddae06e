import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { COMMONJS } from '../../deploy/docker/commonjs.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/** What is started for a moment, and the thread that the probes need beside it. */
const STARTED = ['test/bench/first-ack', 'test/bench/loop-first-ack', 'test/bench/idle-command', 'worker/probe-thread']

/** What runs for seconds. */
const CONTESTANTS = [
  'test/bench/tidemill',
  'test/bench/loop',
  'test/bench/kafka/each-message',
  'test/bench/kafka/each-batch',
]

/** The programs as JavaScript in a new folder. Not run from source: stripping types costs time and memory that users don't pay. */
export async function bundlePrograms(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemill-bench-'))
  await Promise.all([bundle(folder, STARTED, true), bundle(folder, CONTESTANTS, false)])
  return folder
}

/** One file each, with all that it imports. */
async function bundle(folder: string, programs: readonly string[], minify: boolean): Promise<void> {
  await build({
    ...COMMONJS,
    absWorkingDir: ROOT,
    entryPoints: programs.map((program) => ({ in: `${program}.ts`, out: program.split('/').at(-1)! })),
    outdir: folder,
    minify,
    target: 'node22',
  })
}
