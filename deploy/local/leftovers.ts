import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PREFIX = /^tidemill-(rabbitmq|kafka)-/
const OWNER = 'owner'
const PIDS = 'pids'
const NURSERY_MS = 60_000

/** Makes the private folder of one broker and notes who owns it. */
export function makeFolder(protocol: 'rabbitmq' | 'kafka'): string {
  const folder = mkdtempSync(join(tmpdir(), `tidemill-${protocol}-`))
  writeFileSync(join(folder, OWNER), `${process.pid}\n`)
  writeFileSync(join(folder, PIDS), '')
  return folder
}

/** Notes which processes belong to the folder, in the order in which they have to end. */
export function notePids(folder: string, pids: readonly (number | undefined)[]): void {
  writeFileSync(join(folder, PIDS), `${pids.filter((pid) => pid !== undefined).join('\n')}\n`)
}

/** What ends the processes of a folder and removes it, as a shell script whose `$1` is the folder. For the watchdog. */
export const CLEAN_SCRIPT = [
  'for pid in $(cat "$1/pids"); do kill -9 "$pid"; done',
  'sleep 0.3',
  'rm -rf "$1" || { sleep 1; rm -rf "$1"; }',
].join('\n')

/** The same from within this process, at its exit, where nothing can be awaited. */
export function cleanNow(folder: string): void {
  for (const pid of pidsOf(folder)) killQuietly(pid)
  removeFolder(folder)
}

/** Removes a broker's folder, also while a process that was just killed still closes its files. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}

/** Ends and removes what earlier runs left behind whose owner is dead. Returns the folders that were removed. */
export function cleanStale(): string[] {
  return readdirSync(tmpdir())
    .filter((name) => PREFIX.test(name))
    .map((name) => join(tmpdir(), name))
    .filter((folder) => {
      try {
        if (!isStale(folder)) return false
        // A number may have gone to another process since: only what still looks like ours is ended.
        for (const pid of pidsOf(folder)) if (belongsTo(pid, folder)) killQuietly(pid)
        removeFolder(folder)
        return true
      } catch {
        return false
      }
    })
}

function isStale(folder: string): boolean {
  const about = statSync(folder)
  if (about.uid !== process.getuid?.()) return false
  if (!existsSync(join(folder, OWNER))) return Date.now() - about.mtimeMs > NURSERY_MS
  return !isAlive(Number(readFileSync(join(folder, OWNER), 'utf8')))
}

function pidsOf(folder: string): number[] {
  try {
    const pids = readFileSync(join(folder, PIDS), 'utf8').split('\n').map(Number)
    return pids.filter((pid) => Number.isSafeInteger(pid) && pid > 1)
  } catch {
    return []
  }
}

/** All that belongs to a broker runs with HOME in the folder. */
function belongsTo(pid: number, folder: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`HOME=${folder}`)
  } catch {
    return false
  }
}

/** Whether a process of that number runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}
