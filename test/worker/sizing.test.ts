import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fittingConcurrency, fittingThreads, memoryFault } from '../../worker/sizing.ts'

const MIB = 1024 * 1024

const container = (cpus: number | undefined, memoryBytes?: number) => ({
  cpu: cpus === undefined ? undefined : { cpus, file: 'cpu.max' },
  memoryBytes,
  machineCpus: 4,
})

test('jobs at once are 10 a CPU, from 2 to 100, and 10 where no limit is known', () => {
  const cases = [
    [undefined, 10, 'default', /no CPU limit/],
    [0.1, 2, 'container', /10 a CPU, at least 2; the container may use 0\.1 CPU \(cpu\.max\)/],
    [0.25, 3, 'container', /10 a CPU; /],
    [1, 10, 'container', /may use 1 CPU/],
    [1.5, 15, 'container', /may use 1\.5 CPU/],
    [64, 100, 'container', /10 a CPU, at most 100; /],
  ] as const
  for (const [cpus, value, origin, reason] of cases) {
    const fit = fittingConcurrency(container(cpus))
    assert.deepEqual([fit.value, fit.origin], [value, origin])
    assert.match(fit.reason, reason)
  }
})

test('threads are one a CPU, rounded up, of the container or else of the machine', () => {
  for (const [cpus, value] of [
    [undefined, 4],
    [0.25, 1],
    [1, 1],
    [1.5, 2],
  ] as const) {
    assert.equal(fittingThreads(container(cpus)).value, value)
  }
  assert.match(fittingThreads(container(1.5)).reason, /one a CPU; the container may use 1\.5 CPU/)
})

test('more CPU never makes fewer jobs, whatever the quota', () => {
  const cpus = fc.double({ min: 0.001, max: 1_000, noNaN: true })
  fc.assert(
    fc.property(cpus, cpus, (one, other) => {
      const [less, more] = [one, other].sort((a, b) => a - b)
      const few = fittingConcurrency(container(less)).value
      const many = fittingConcurrency(container(more)).value
      assert.ok(Number.isInteger(few) && few >= 2 && many <= 100 && few <= many)
    }),
  )
})

test('a heap and bodies that do not fit into the container are a fault that names all of them', () => {
  const need = {
    maxBodyBytes: MIB,
    concurrency: 10,
    readAhead: 6,
    heapLimitBytes: 240 * MIB,
    threads: 0,
    threadHeapBytes: 9 * MIB,
  }
  assert.equal(memoryFault(need, container(1)), undefined)
  assert.equal(memoryFault(need, container(1, 256 * MIB)), undefined)
  const fault = memoryFault({ ...need, readAhead: 7 }, container(1, 256 * MIB))
  assert.match(fault ?? '', /may use 256 MiB.* need 257 MiB.* heap of 240 MiB .* 17 bodies of 1 MiB/)
  assert.match(
    memoryFault({ ...need, threads: 2 }, container(1, 256 * MIB)) ?? '',
    /274 MiB: .*2 threads with heaps of 9 MiB/,
  )
})
