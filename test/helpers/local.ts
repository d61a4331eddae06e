import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { processes, type RunningProcess } from './leaks.ts'

const FAKE_DOCKER = join(import.meta.dirname, 'fake-docker.ts')

/** No docker on it: whether this machine has one must not matter. */
export const NO_DOCKER = { ...process.env, PATH: '/usr/sbin:/usr/bin:/sbin:/bin', TIDEMILL_BROKER_URL: '' }

/** A folder that is removed with `t.after`. */
export function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'local-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** From here on `os.tmpdir()` is a folder of the test's own, until it ends. */
export function ownTmpdir(t: TestContext): string {
  const folder = folderFor(t)
  const before = process.env.TMPDIR
  process.env.TMPDIR = folder
  t.after(() => {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  })
  return folder
}

/** The processes whose home lies in a folder: those of the brokers that were started there. */
export function homesIn(folder: string): RunningProcess[] {
  return processes().filter(({ pid }) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`HOME=${folder}/`)
    } catch {
      return false
    }
  })
}

/** The Docker way is tried on a stand-in of the command: it shows what we ask of an engine, not what an engine makes of it. */
export function fakeDocker(t: TestContext): { env: NodeJS.ProcessEnv; folder: string; calls(): string[] } {
  const folder = folderFor(t)
  writeFileSync(join(folder, 'docker'), `#!/bin/sh\nexec ${process.execPath} ${FAKE_DOCKER} "$@"\n`, { mode: 0o755 })
  const env = { ...NO_DOCKER, PATH: `${folder}:${NO_DOCKER.PATH}`, FAKE_DOCKER_FOLDER: folder }
  return { env, folder, calls: () => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n') }
}
