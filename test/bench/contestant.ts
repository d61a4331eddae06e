import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Measurement } from './meter.ts'
import type { Task } from './scenarios.ts'

export type Contestant = 'tidemill' | 'loop'

const DEADLINE_MS = 300_000

/** Runs a contestant's program in a process of its own; its output goes to stderr. */
export async function runContestant(contestant: string, task: Task, program: string): Promise<Measurement> {
  const child = spawn(process.execPath, [program, JSON.stringify(task)], {
    stdio: ['ignore', process.stderr, process.stderr, 'ipc'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  })
  let measurement: Measurement | undefined
  child.on('message', (message) => {
    measurement = message as Measurement
  })
  const [code, signal] = await once(child, 'close')
  if (measurement === undefined || code !== 0) {
    throw new Error(`${contestant}: expected a measurement and exit code 0, got ${signal ?? code}`)
  }
  return measurement
}
