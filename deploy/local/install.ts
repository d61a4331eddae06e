import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { run } from './command.ts'
import type { NoWay, WayOptions } from './contracts.ts'

const POLICY = '/usr/sbin/policy-rc.d'
const KEPT = `${POLICY}.before-tidemill`
const MARK = '# written by tidemill while it installs packages; it may be removed'
const FORBIDDEN = 101
const LOCK = '/run/lock/tidemill-install'

/** Waits for another apt-get; removes nothing, as Debian's Docker would remove Docker's own. */
const GENTLY = ['--no-remove', '-o', 'DPkg::Lock::Timeout=120']

const UPDATE_TIMEOUT_MS = 300_000
const INSTALL_TIMEOUT_MS = 900_000

/** What is to be installed. */
export interface Wanted {
  /** What a person calls it, for sentences: `RabbitMQ`. */
  readonly what: string
  /** Debian's names. */
  readonly packages: readonly string[]
  /** The services that come with them; they are not started, neither now nor at the next boot. */
  readonly services: readonly string[]
}

/**
 * Installs packages of Debian with apt-get, saying the commands first. The packaged services are kept from starting:
 * their ports and their names are the machine's, not ours. Resolves to undefined when all is installed.
 */
export async function installPackages(wanted: Wanted, options: WayOptions): Promise<NoWay | undefined> {
  const { what, packages } = wanted
  const how = `apt-get install ${packages.join(' ')}`
  if (!options.install)
    return { refused: `${what} is not installed, and installing was refused (--no-install): ${how}` }
  if (process.getuid?.() !== 0) return { refused: `${what} is not installed, and only root can: sudo ${how}` }
  if (!(await run('apt-get', ['--version'], { timeoutMs: 10_000 })).ok) {
    return { refused: `${what} is not installed, and there is no apt-get to install it` }
  }
  const release = await lock()
  try {
    return await install(wanted, options)
  } finally {
    release()
  }
}

async function install({ packages, services }: Wanted, options: WayOptions): Promise<NoWay | undefined> {
  const env = { ...options.env, DEBIAN_FRONTEND: 'noninteractive' }
  const steps: [readonly string[], number][] = [
    [['update'], UPDATE_TIMEOUT_MS],
    [['install', '-y', '--no-install-recommends', ...GENTLY, ...packages], INSTALL_TIMEOUT_MS],
  ]
  const restore = await forbidServices()
  try {
    for (const [args, timeoutMs] of steps) {
      options.log(`apt-get ${args.join(' ')}`)
      const result = await run('apt-get', args, { timeoutMs, env })
      if (!result.ok) return { refused: result.fault }
    }
    // Enabled by their packages, they would start at the next boot.
    for (const service of services) await run('update-rc.d', [service, 'disable'], { timeoutMs: 30_000, env })
  } finally {
    restore()
  }
  return undefined
}

/**
 * Waits until no other process installs: apt-get does not wait for the lock of its lists, and the policy is one file.
 * The lock goes with this process, however that ends. Returns what releases it.
 */
async function lock(): Promise<() => void> {
  const holder = spawn('flock', [LOCK, 'sh', '-c', 'echo held; read -r _'], { stdio: ['pipe', 'pipe', 'ignore'] })
  // Without flock, two at the same time get in each other's way, and one of them says so.
  holder.on('error', () => undefined)
  await Promise.race([once(holder.stdout, 'data'), once(holder, 'close')]).catch(() => undefined)
  return () => {
    holder.stdin.end()
  }
}

/** Debian's packages ask policy-rc.d whether they may start their service. Returns what undoes it. */
async function forbidServices(): Promise<() => void> {
  restorePolicy()
  if (existsSync(POLICY)) {
    const answer = await run(POLICY, ['any-service', 'start'], { timeoutMs: 10_000 })
    if (answer.code === FORBIDDEN) return () => undefined
    renameSync(POLICY, KEPT)
  }
  writeFileSync(POLICY, `#!/bin/sh\n${MARK}\nexit ${FORBIDDEN}\n`)
  chmodSync(POLICY, 0o755)
  process.once('exit', restorePolicy)
  return () => {
    process.off('exit', restorePolicy)
    restorePolicy()
  }
}

/** Puts back the machine's own policy, also after a run that was killed in the middle. */
function restorePolicy(): void {
  if (existsSync(POLICY) && readFileSync(POLICY, 'utf8').includes(MARK)) rmSync(POLICY)
  if (existsSync(KEPT) && !existsSync(POLICY)) renameSync(KEPT, POLICY)
}
