import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const GRACE_MS = 3_000

/** Handles that the test runner itself opens and closes as it likes. */
const NOT_OURS = new Set(['PipeWrap', 'TTYWrap', 'FSReqCallback', 'FSReqPromise', 'Immediate', 'CloseReq'])

/** Looks at the handles and child processes of this process; the returned check fails when there are more of them later. */
export function leakCheck(): () => Promise<void> {
  const before = count()
  return async () => {
    const deadline = performance.now() + GRACE_MS
    for (;;) {
      const leaks = more(before, count())
      if (leaks.length === 0) return
      if (performance.now() > deadline) assert.fail(`left behind: ${leaks.join(', ')}`)
      await sleep(50)
    }
  }
}

function count(): Map<string, number> {
  const found = new Map<string, number>()
  const add = (what: string) => found.set(what, (found.get(what) ?? 0) + 1)
  for (const handle of process.getActiveResourcesInfo()) if (!NOT_OURS.has(handle)) add(handle)
  for (const child of processes().filter(({ parent }) => parent === process.pid)) add(`the process ${child.name}`)
  return found
}

function more(before: Map<string, number>, after: Map<string, number>): string[] {
  return Array.from(after)
    .filter(([what, number]) => number > (before.get(what) ?? 0))
    .map(([what, number]) => `${number - (before.get(what) ?? 0)} x ${what}`)
}

/** One process of this machine, as /proc shows it. */
export interface RunningProcess {
  readonly pid: number
  readonly parent: number
  readonly name: string
}

/** Every process that runs, without those that ended and wait to be reaped. Empty where there is no /proc. */
export function processes(): RunningProcess[] {
  return listProc().flatMap((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return state === 'Z' ? [] : [{ pid, parent: Number(parent), name }]
    } catch {
      return []
    }
  })
}

function listProc(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return []
  }
}
