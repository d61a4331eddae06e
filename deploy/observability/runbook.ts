/** Where the runbook is read: the README beside this file. Who keeps a copy elsewhere changes it here and generates again. */
export const RUNBOOK = 'https://github.com/tidemill/tidemill/blob/main/deploy/observability/README.md'

/** The link to an alert's entry: its heading's anchor. */
export function runbookUrl(alert: string): string {
  return `${RUNBOOK}#${alert.toLowerCase()}`
}
