/** How much CPU a container may use, and the file that says so. */
export interface CpuLimit {
  /** With a fraction: 0.5 is half of one CPU's time. */
  readonly cpus: number
  readonly file: string
}

/** What the control groups of a process let it use. Undefined: they set no limit. */
export interface ContainerLimits {
  readonly cpu: CpuLimit | undefined
  readonly memoryBytes: number | undefined
  /** CPUs that there are without the limit. */
  readonly machineCpus: number
}

/** A default that follows from where the process runs, and why it is that. */
export interface Fit {
  readonly value: number
  readonly origin: 'container' | 'default'
  readonly reason: string
}

/**
 * Jobs at once for each CPU, where a handler mostly waits for others (databases, HTTP): the same 10 that a worker without a
 * limit has, because one event loop is about one CPU's worth.
 */
const JOBS_PER_CPU = 10
/** Below, the one job that waits would idle the worker. */
const FEWEST_JOBS = 2
/** Above, a default would open more connections to what is downstream than its owner may expect. */
const MOST_JOBS = 100

/** How many jobs at once suit the container's CPUs. */
export function fittingConcurrency({ cpu }: ContainerLimits): Fit {
  if (cpu === undefined) return { value: JOBS_PER_CPU, origin: 'default', reason: 'no CPU limit was found' }
  const wish = Math.ceil(JOBS_PER_CPU * cpu.cpus)
  const value = Math.min(MOST_JOBS, Math.max(FEWEST_JOBS, wish))
  const bound = value > wish ? `, at least ${FEWEST_JOBS}` : value < wish ? `, at most ${MOST_JOBS}` : ''
  return { value, origin: 'container', reason: `${JOBS_PER_CPU} a CPU${bound}; ${limitOf(cpu)}` }
}

/** One thread a CPU: each keeps one busy. Rounded up, since a part of a CPU is not none. */
export function fittingThreads({ cpu, machineCpus }: ContainerLimits): Fit {
  if (cpu === undefined) return { value: machineCpus, origin: 'default', reason: 'one a CPU; no CPU limit was found' }
  return { value: Math.ceil(cpu.cpus), origin: 'container', reason: `one a CPU; ${limitOf(cpu)}` }
}

function limitOf({ cpus, file }: CpuLimit): string {
  return `the container may use ${Math.round(cpus * 100) / 100} CPU (${file})`
}

/** What takes memory in a worker, in bytes. */
export interface MemoryNeed {
  /** The longest body that is accepted. */
  readonly maxBodyBytes: number
  readonly concurrency: number
  readonly readAhead: number
  /** What V8 lets the heap grow to. */
  readonly heapLimitBytes: number
  /** The threads for handlers, where there are such, and the heap of each. */
  readonly threads: number
  readonly threadHeapBytes: number
}

/**
 * Why the worker may be killed for its memory: heaps and bodies (which are outside of them) together are more than the
 * container has. Undefined when they fit, or when there is no limit.
 */
export function memoryFault(need: MemoryNeed, { memoryBytes }: ContainerLimits): string | undefined {
  const { maxBodyBytes, concurrency, readAhead, heapLimitBytes, threads, threadHeapBytes } = need
  const bodies = concurrency + readAhead
  const sum = heapLimitBytes + threads * threadHeapBytes + bodies * maxBodyBytes
  if (memoryBytes === undefined || sum <= memoryBytes) return undefined
  const parts = [
    `a heap of ${mib(heapLimitBytes)} (NODE_OPTIONS=--max-old-space-size-percentage=60 makes it smaller)`,
    ...(threads > 0 ? [`${threads} threads with heaps of ${mib(threadHeapBytes)} (threads, threadHeapMb)`] : []),
    `${bodies} bodies of ${mib(maxBodyBytes)} (maxBodyBytes, concurrency, readAhead)`,
  ]
  return `the container may use ${mib(memoryBytes)}, the worker may come to need ${mib(sum)}: ${parts.join(', ')}`
}

function mib(bytes: number): string {
  return `${Math.ceil(bytes / 1024 / 1024)} MiB`
}
