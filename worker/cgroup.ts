import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, posix } from 'node:path'
import type { ContainerLimits, CpuLimit } from './sizing.ts'

/** A hierarchy of control groups: the folders from the process's own group up to where the hierarchy is mounted. */
interface Hierarchy {
  /** Of version 1; empty for version 2, where one hierarchy has them all. */
  readonly controllers: readonly string[]
  readonly folders: readonly string[]
}

/** What a file of version 1 says where there is no limit is about 2^63. */
const NO_LIMIT = 2 ** 60

/**
 * Reads the limits of version 1, version 2, or both side by side. A group is bound by every group above it as well, so the
 * tightest limit on the way up counts. What can't be read sets no limit.
 * @param root the folder that `/proc` and `/sys` are in; another one in tests
 * @param machineCpus those that the process may run on
 */
export function readContainerLimits(root = '/', machineCpus = availableParallelism()): ContainerLimits {
  const limits: CpuLimit[] = []
  const memory: number[] = []
  for (const { controllers, folders } of hierarchies(root)) {
    const isV2 = controllers.length === 0
    for (const folder of folders) {
      const number = (file: string) => toNumber(textOf(root, join(folder, file)))
      if (isV2 || controllers.includes('cpu')) {
        const cpus = isV2 ? quotaV2(textOf(root, join(folder, 'cpu.max'))) : quotaV1(number)
        if (cpus !== undefined) limits.push({ cpus, file: isV2 ? 'cpu.max' : 'cpu.cfs_quota_us' })
      }
      if (isV2 || controllers.includes('cpuset')) {
        const file = isV2 ? 'cpuset.cpus.effective' : 'cpuset.effective_cpus'
        const cpus = countOf(textOf(root, join(folder, file)))
        if (cpus !== undefined && cpus < onlineCpus(root)) limits.push({ cpus, file })
      }
      if (isV2) memory.push(number('memory.max'), number('memory.high'))
      else if (controllers.includes('memory')) memory.push(number('memory.limit_in_bytes'))
    }
  }
  const memoryBytes = Math.min(...memory.filter((bytes) => bytes > 0 && bytes < NO_LIMIT))
  limits.sort((one, other) => one.cpus - other.cpus)
  return { cpu: limits[0], memoryBytes: Number.isFinite(memoryBytes) ? memoryBytes : undefined, machineCpus }
}

function hierarchies(root: string): Hierarchy[] {
  const mounts = lines(textOf(root, '/proc/self/mountinfo')).flatMap(mountOf)
  return lines(textOf(root, '/proc/self/cgroup')).flatMap((line) => {
    // `hierarchy:controllers:path`; version 2 is hierarchy 0 without controllers.
    const [, list = '', path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    const controllers = list.split(',').filter(Boolean)
    const mount = mounts.find(({ type, options }) =>
      controllers.length === 0
        ? type === 'cgroup2'
        : type === 'cgroup' && controllers.every((c) => options.includes(c)),
    )
    return path === undefined || mount === undefined ? [] : [{ controllers, folders: foldersOf(mount, path) }]
  })
}

interface Mount {
  /** The group that is mounted: `/`, or a container's own. */
  readonly group: string
  readonly folder: string
  readonly type: string
  readonly options: readonly string[]
}

/** A line of proc_pid_mountinfo(5): `id parent device root folder options [fields…] - type source options`. */
function mountOf(line: string): Mount[] {
  const [left = '', right = ''] = line.split(' - ', 2)
  const [, , , group, folder] = left.split(' ')
  const [type, , options] = right.split(' ')
  if (group === undefined || folder === undefined || type === undefined) return []
  return [{ group: unescaped(group), folder: unescaped(folder), type, options: options?.split(',') ?? [] }]
}

/** The kernel writes a space as `\040`. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

/** From the group's own folder up to the mount. A group that is outside of what is mounted is seen as the mount itself. */
function foldersOf({ group, folder }: Mount, path: string): string[] {
  const below = posix.relative(group, path)
  const folders = [folder]
  if (below === '' || below.startsWith('..')) return folders
  for (const name of below.split('/')) folders.unshift(join(folders[0]!, name))
  return folders
}

function quotaV2(text: string | undefined): number | undefined {
  const [quota, period] = text?.trim().split(' ') ?? []
  return cpusOf(Number(quota), Number(period))
}

function quotaV1(number: (file: string) => number): number | undefined {
  return cpusOf(number('cpu.cfs_quota_us'), number('cpu.cfs_period_us'))
}

/** `max` is no number and -1 is no quota. */
function cpusOf(quota: number, period: number): number | undefined {
  return quota > 0 && period > 0 ? quota / period : undefined
}

function onlineCpus(root: string): number {
  return countOf(textOf(root, '/sys/devices/system/cpu/online')) ?? 0
}

/** How many a list like `0-3,8` names. */
function countOf(list: string | undefined): number | undefined {
  let count = 0
  for (const range of list?.trim().split(',') ?? []) {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? []
    if (first === undefined) return undefined
    count += Number(last) - Number(first) + 1
  }
  return count === 0 ? undefined : count
}

function toNumber(text: string | undefined): number {
  return text === undefined ? Number.NaN : Number(text.trim())
}

function lines(text: string | undefined): string[] {
  return text?.split('\n').filter(Boolean) ?? []
}

function textOf(root: string, path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    return undefined
  }
}
