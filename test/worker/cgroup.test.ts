import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readContainerLimits } from '../../worker/cgroup.ts'

const MIB = 1024 * 1024
const V2 = '30 24 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate'

/** A root folder with these files; what a value is by itself stands in it as text. */
function rootWith(t: TestContext, files: Readonly<Record<string, string | number>>): string {
  const root = mkdtempSync(join(tmpdir(), 'tidemill-cgroup-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const [path, content] of Object.entries({ '/sys/devices/system/cpu/online': '0-7', ...files })) {
    mkdirSync(join(root, dirname(path)), { recursive: true })
    writeFileSync(join(root, path), `${content}\n`)
  }
  return root
}

/** Without what does not depend on the root. */
function limitsOf(root: string) {
  const { cpu, memoryBytes } = readContainerLimits(root)
  return { cpu, memoryBytes }
}

test('version 2: the limits of a container that sees its own group as the root', (t) => {
  const root = rootWith(t, {
    '/proc/self/cgroup': '0::/',
    '/proc/self/mountinfo': V2,
    '/sys/fs/cgroup/cpu.max': '50000 100000',
    '/sys/fs/cgroup/memory.max': 256 * MIB,
    '/sys/fs/cgroup/memory.high': 'max',
  })
  const expected = { cpu: { cpus: 0.5, file: 'cpu.max' }, memoryBytes: 256 * MIB }
  assert.deepEqual(limitsOf(root), expected)
})

test('version 2: the tightest limit of the group and of those above it counts', (t) => {
  const root = rootWith(t, {
    '/proc/self/cgroup': '0::/pods/pod 1/main',
    '/proc/self/mountinfo': V2,
    '/sys/fs/cgroup/pods/cpu.max': '800000 100000',
    '/sys/fs/cgroup/pods/memory.max': 512 * MIB,
    '/sys/fs/cgroup/pods/pod 1/cpu.max': '150000 100000',
    '/sys/fs/cgroup/pods/pod 1/memory.max': 'max',
    '/sys/fs/cgroup/pods/pod 1/main/cpu.max': 'max 100000',
    '/sys/fs/cgroup/pods/pod 1/main/memory.high': 1024 * MIB,
  })
  assert.deepEqual(limitsOf(root), { cpu: { cpus: 1.5, file: 'cpu.max' }, memoryBytes: 512 * MIB })
})

test('version 1: each controller has its own hierarchy, mounted by names of its own', (t) => {
  const root = rootWith(t, {
    '/proc/self/cgroup': '4:memory:/docker/abc\n3:cpuset:/docker/abc\n2:cpu,cpuacct:/docker/abc\n1:name=systemd:/',
    '/proc/self/mountinfo': [
      '31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755',
      '32 31 0:29 /docker/abc /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct',
      '33 31 0:30 / /mnt/other\\040place/memory rw,relatime shared:7 - cgroup cgroup rw,memory',
      '34 31 0:31 /docker/abc /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset',
      'a line that makes no sense',
    ].join('\n'),
    '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': 250_000,
    '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': 100_000,
    '/mnt/other place/memory/docker/abc/memory.limit_in_bytes': 300 * MIB,
    '/sys/fs/cgroup/cpuset/cpuset.effective_cpus': '0-7',
  })
  const expected = { cpu: { cpus: 2.5, file: 'cpu.cfs_quota_us' }, memoryBytes: 300 * MIB }
  assert.deepEqual(limitsOf(root), expected)
})

test('version 1: a quota of -1 and a limit near 2^63 are none', (t) => {
  const root = rootWith(t, {
    '/proc/self/cgroup': '2:memory:/\n1:cpu:/',
    '/proc/self/mountinfo': [
      '32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu',
      '33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
    ].join('\n'),
    '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': -1,
    '/sys/fs/cgroup/cpu/cpu.cfs_period_us': 100_000,
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712',
  })
  assert.deepEqual(limitsOf(root), { cpu: undefined, memoryBytes: undefined })
})

test('a set of CPUs that is smaller than the machine and tighter than the quota counts', (t) => {
  const files = (set: string) => ({
    '/proc/self/cgroup': '0::/',
    '/proc/self/mountinfo': V2,
    '/sys/fs/cgroup/cpu.max': '400000 100000',
    '/sys/fs/cgroup/cpuset.cpus.effective': set,
  })
  const cpuOf = (set: string) => limitsOf(rootWith(t, files(set))).cpu
  assert.deepEqual(cpuOf('0-1,5'), { cpus: 3, file: 'cpuset.cpus.effective' })
  assert.deepEqual(cpuOf('0-5'), { cpus: 4, file: 'cpu.max' })
  assert.deepEqual(cpuOf('0-7'), { cpus: 4, file: 'cpu.max' })
  assert.deepEqual(cpuOf(''), { cpus: 4, file: 'cpu.max' })
})

test('a group that is outside of what is mounted is read from the mount itself', (t) => {
  const root = rootWith(t, {
    '/proc/self/cgroup': '0::/../../elsewhere',
    '/proc/self/mountinfo': V2,
    '/sys/fs/cgroup/cpu.max': '100000 100000',
  })
  assert.deepEqual(limitsOf(root).cpu, { cpus: 1, file: 'cpu.max' })
})

test('where nothing can be read, as on another system, there is no limit', (t) => {
  const none = { cpu: undefined, memoryBytes: undefined }
  assert.deepEqual(limitsOf('/no/such/root'), none)
  assert.deepEqual(limitsOf(rootWith(t, { '/proc/self/cgroup': '0::/', '/proc/self/mountinfo': '' })), none)
  const garbage = { '/sys/fs/cgroup/cpu.max': 'x y', '/sys/fs/cgroup/memory.max': '' }
  const files = { '/proc/self/cgroup': '0::/', '/proc/self/mountinfo': V2, ...garbage }
  assert.deepEqual(limitsOf(rootWith(t, files)), none)
})
