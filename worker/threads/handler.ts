import type { Context, Job } from '../define.ts'

/** What a module of a thread exports by default, or as `handler`. */
export type ThreadHandler<P = unknown, R = unknown> = (job: Job<P>, context: Context<R>) => Promise<void> | void

/**
 * Types the handler that a module runs in threads; it returns what it is given. `P` is the payload as the job's schema
 * returned it, `R` what the module's own `setup()` returns: that is run once in each thread, before its first job. There is
 * no `teardown()`: a thread may be ended at any time, and is when a job does not yield to its abort.
 */
export function defineThreadHandler<P = unknown, R = undefined>(handler: ThreadHandler<P, R>): ThreadHandler<P, R> {
  return handler
}
