/** What a module that runs in threads imports, as `tidemill/thread`: it loads nothing of the worker. */
export type { Logger } from '../contracts.ts'
export type { Context, Job } from '../define.ts'
export { PermanentError, RetryLater } from '../errors.ts'
export { defineThreadHandler, type ThreadHandler } from './handler.ts'
