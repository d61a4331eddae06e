import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Sends a signal to a process and all that it started; one that is gone is no error. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** The leader of the process group that a process belongs to; undefined where it is gone. */
export function groupOf(pid: number): number | undefined {
  try {
    // The name of the program, in parentheses, may hold anything: the fields are counted from its end.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2])
  } catch {
    const told = spawnSync('ps', ['-o', 'pgid=', '-p', String(pid)], { encoding: 'utf8' }).stdout?.trim()
    return told ? Number(told) : undefined
  }
}
