import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { run } from './command.ts'
import type { NoWay, WayOptions } from './contracts.ts'

const POLICY = '/usr/sbin/policy-rc.d'
const KEPT = `${POLICY}.before-tidemill`
const MARK = '# written by tidemill while it installs rabbitmq-server; it may be removed'
const FORBIDDEN = 101

const UPDATE_TIMEOUT_MS = 300_000
const INSTALL_TIMEOUT_MS = 900_000

/**
 * Installs Debian's rabbitmq-server with apt-get, saying the commands first. The packaged service is kept from starting:
 * its ports and its name are the machine's, not ours. Resolves to undefined when it is installed.
 */
export async function installRabbitmq(options: WayOptions): Promise<NoWay | undefined> {
  const how = 'apt-get install rabbitmq-server'
  if (!options.install)
    return { refused: `RabbitMQ is not installed, and installing was refused (--no-install): ${how}` }
  if (process.getuid?.() !== 0) return { refused: `RabbitMQ is not installed, and only root can: sudo ${how}` }
  if (!(await run('apt-get', ['--version'], { timeoutMs: 10_000 })).ok) {
    return { refused: 'RabbitMQ is not installed, and there is no apt-get to install it' }
  }
  const env = { ...options.env, DEBIAN_FRONTEND: 'noninteractive' }
  const steps: [readonly string[], number][] = [
    [['update'], UPDATE_TIMEOUT_MS],
    [
      ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', 'rabbitmq-server'],
      INSTALL_TIMEOUT_MS,
    ],
  ]
  const restore = await forbidServices()
  try {
    for (const [args, timeoutMs] of steps) {
      options.log(`apt-get ${args.join(' ')}`)
      const result = await run('apt-get', args, { timeoutMs, env })
      if (!result.ok) return { refused: result.fault }
    }
    // Enabled by its package, it would start at the next boot.
    await run('update-rc.d', ['rabbitmq-server', 'disable'], { timeoutMs: 30_000, env })
  } finally {
    restore()
  }
  return undefined
}

/** Debian's packages ask policy-rc.d whether they may start their service. Returns what undoes it. */
async function forbidServices(): Promise<() => void> {
  restorePolicy()
  if (existsSync(POLICY)) {
    const answer = await run(POLICY, ['rabbitmq-server', 'start'], { timeoutMs: 10_000 })
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
