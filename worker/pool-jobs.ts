import type { InlineJob, JobDefinition, JobHandler, ThreadJob, WorkerDefinition } from './define.ts'
import type { PoolJob } from './pool-options.ts'
import type { CompletePolicy } from './retry.ts'
import type { WorkerSettings } from './settings-table.ts'
import type { Threads } from './threads/pool.ts'

/** How often and how far apart jobs are tried that do not say so themselves. */
export function policyOf(settings: WorkerSettings): CompletePolicy {
  return {
    attempts: settings.retryAttempts,
    minDelayMs: settings.retryMinDelayMs,
    maxDelayMs: settings.retryMaxDelayMs,
    factor: settings.retryFactor,
  }
}

/** The worker's jobs by type, with every default filled in; `threads` runs those whose handler is a module. */
export function poolJobs(
  definition: WorkerDefinition,
  settings: WorkerSettings,
  threads: Threads | undefined,
): Map<string, PoolJob> {
  const policy = policyOf(settings)
  return new Map(
    definition.jobs.map((job) => [
      job.type,
      {
        definition: inlineJob(job, (module) => threads!.handlerOf(module)),
        inThread: job.handler instanceof URL,
        timeoutMs: job.timeoutMs ?? settings.jobTimeoutMs,
        policy: { ...policy, ...job.retry },
      },
    ]),
  )
}

/** The job with a function for its handler; `inThread` makes one of a module. */
export function inlineJob(
  job: JobDefinition<any, any, any>,
  inThread: (module: URL) => JobHandler<any, any>,
): InlineJob<any, any, any> {
  const { handler, '~around': around } = job
  const isInline = !(handler instanceof URL)
  if (isInline && around === undefined) return job as InlineJob<any, any, any>
  const run = isInline ? handler : inThread(handler)
  return { ...job, handler: around === undefined ? run : (one, context) => around(one.id, () => run(one, context)) }
}

/** The jobs whose handlers are modules. */
export function threadJobs(definition: WorkerDefinition): ThreadJob<any, any>[] {
  return definition.jobs.filter((job): job is ThreadJob<any, any> => job.handler instanceof URL)
}
