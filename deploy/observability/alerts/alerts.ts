import type { Alert } from './alert.ts'
import { backlogAlerts } from './backlog.ts'
import { jobAlerts } from './jobs.ts'
import { workerAlerts } from './workers.ts'

/** The alerts by their group, in the order of the runbook. */
export const ALERT_GROUPS: Readonly<Record<string, readonly Alert[]>> = {
  'tidemill.backlog': backlogAlerts,
  'tidemill.jobs': jobAlerts,
  'tidemill.workers': workerAlerts,
}
