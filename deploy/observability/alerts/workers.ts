import { type Alert, byQueue, sumByQueue, THE_QUEUE } from './alert.ts'

/** Are workers killed, cut off, blocked, or too slow to end? */
export const workerAlerts: readonly Alert[] = [
  {
    name: 'TidemillWorkersRestarting',
    severity: 'critical',
    // A new pod is a new series: scaling and deploys do not count here.
    expression: `${sumByQueue('changes(process_start_time_seconds{queue!=""}[15m])')} > 2`,
    summary: 'Workers die and begin anew, again and again.',
    description: `Workers of ${THE_QUEUE} began anew {{ $value }} times in the last 15 minutes.`,
  },
  {
    name: 'TidemillReconnectStorm',
    severity: 'warning',
    for: '5m',
    expression: `${byQueue('sum by (namespace, queue, pod) (increase(tidemill_connection_failures_total[15m]))')} > 5`,
    summary: 'Workers lose their connection to the broker, or get none.',
    description: `A worker of ${THE_QUEUE} lost its connection or was refused one {{ $value | printf "%.0f" }} times in the last 15 minutes.`,
  },
  {
    name: 'TidemillEventLoopBlocked',
    severity: 'warning',
    for: '5m',
    expression: `max by (namespace, queue, pod) (max_over_time(tidemill_event_loop_stalled_seconds[5m])) > 5
or
histogram_quantile(0.99, sum by (namespace, queue, pod, le) (rate(tidemill_event_loop_delay_seconds_bucket[5m]))) > 1`,
    summary: 'A handler computes on the main thread, and all else in its worker waits.',
    description:
      'The event loop of {{ $labels.pod }} (queue {{ $labels.queue }}) does not come round for {{ $value | humanizeDuration }} at a time.',
  },
  {
    name: 'TidemillDrainsTooSlow',
    severity: 'warning',
    // A worker ends at once after its drain, so what it abandoned is rarely scraped; how long it drains, is.
    expression: `max by (namespace, queue) (
  max_over_time(tidemill_drain_duration_seconds[30m]) / (max_over_time(tidemill_drain_limit_seconds[30m]) > 0)
) > 0.8
or
${sumByQueue('max_over_time(tidemill_jobs_abandoned_total[30m])')} > 0`,
    summary: 'Workers that are to end do not finish their jobs in time, or barely.',
    description: `In the last half hour a drain of ${THE_QUEUE} took more than 80 % of its limit, or gave jobs back unfinished.`,
  },
]
