import { getHeapStatistics } from 'node:v8'
import type { LoadedSettings, SettingName } from './config.ts'
import type { Logger } from './contracts.ts'
import { type ContainerLimits, memoryFault } from './sizing.ts'

/** Node's own, where `UV_THREADPOOL_SIZE` does not say. */
const UV_THREADS = 4
const MIB = 1024 * 1024

/**
 * Logs how much work is taken at once, and why: the settings in one line. `uvThreadpoolSize` is what native work (sharp, zlib,
 * crypto, DNS) shares; where there are more CPUs than that, one a CPU is suggested. Warns when the memory may not do.
 */
export function logSizes(log: Logger, loaded: LoadedSettings, container: ContainerLimits, hasThreads: boolean): void {
  const { settings, origins, reasons } = loaded
  const size = (name: SettingName) => ({ value: settings[name], origin: origins[name], reason: reasons[name] })
  const uvThreads = Number(process.env['UV_THREADPOOL_SIZE']) || UV_THREADS
  const suggested = Math.max(UV_THREADS, Math.ceil(container.cpu?.cpus ?? container.machineCpus))
  log.info(
    {
      concurrency: size('concurrency'),
      ...(hasThreads && { threads: size('threads') }),
      uvThreadpoolSize: { value: uvThreads, suggested },
    },
    'sized',
  )
  const heapLimitBytes = getHeapStatistics().heap_size_limit
  const { threadHeapMb } = settings
  const threadHeapBytes = threadHeapMb === undefined ? heapLimitBytes : threadHeapMb * MIB
  const threads = hasThreads ? settings.threads : 0
  const fault = memoryFault({ ...settings, heapLimitBytes, threads, threadHeapBytes }, container)
  if (fault !== undefined) log.warn({}, fault)
}
