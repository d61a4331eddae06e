import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
import { KNOWN_VERSION } from './internals.ts'

let stopped = false

/**
 * Stops the timer that kafkajs 2.2.4 sets again and again, 1 ms apart, for requests that do not wait: it kept an idle
 * process at 2.5 % of a core. Where requests do wait, all is as before.
 */
export function stopIdleTimer(): void {
  if (stopped || !KNOWN_VERSION) return
  stopped = true
  const { prototype } = RequestQueue
  const schedule = prototype.scheduleCheckPendingRequests
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length > 0) schedule.call(this)
  }
}
