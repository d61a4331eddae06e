import { type Alert, byQueue, sumByQueue, THE_QUEUE } from './alert.ts'

/** Tries that failed in a window. A handler that asked to be called later has not failed, and a deferred job was not begun. */
function failed(window: string): string {
  return `(
    ${sumByQueue(`increase(tidemill_jobs_retried_total{reason!~"retry-later|type-limit"}[${window}])`)}
  + ${sumByQueue(`increase(tidemill_jobs_dead_total[${window}])`)}
)`
}

/** They as a part of all tries that ended. */
function failingPart(window: string): string {
  const ended = sumByQueue(`increase(tidemill_jobs_settled_total{outcome=~"ack|retry|dead"}[${window}])`)
  return `${failed(window)} / (${ended} > 0)`
}

/** Both windows: the long one is no blip, the short one says that it is still so. Ten failures: one of three jobs is no third. */
function failing(part: number, short: string, long: string): string {
  return `${failingPart(short)} > ${part}
and
${failingPart(long)} > ${part}
and
${failed(long)} >= 10`
}

/** Are jobs failing? */
export const jobAlerts: readonly Alert[] = [
  {
    name: 'TidemillJobsFailing',
    severity: 'critical',
    for: '2m',
    expression: failing(0.1, '5m', '1h'),
    summary: 'More than one try in ten fails.',
    description: `{{ $value | humanizePercentage }} of the tries of ${THE_QUEUE} failed in the last five minutes, and more than 10 % in the last hour.`,
  },
  {
    name: 'TidemillJobsFailingSlowly',
    severity: 'warning',
    for: '15m',
    expression: failing(0.02, '30m', '6h'),
    summary: 'For hours, more than one try in fifty has failed.',
    description: `{{ $value | humanizePercentage }} of the tries of ${THE_QUEUE} failed in the last half hour, and more than 2 % in the last six hours.`,
  },
  {
    name: 'TidemillDeadLetters',
    severity: 'warning',
    // The exporter sees them also when their worker is gone; without an exporter, the workers count.
    expression: `${byQueue('delta(tidemill_queue_dead[15m])')} > 0
or
${sumByQueue('increase(tidemill_jobs_dead_total[15m])')} > 0`,
    summary: 'Jobs were dead-lettered.',
    description: `{{ $value | printf "%.0f" }} jobs of ${THE_QUEUE} were dead-lettered in the last 15 minutes.`,
  },
  {
    name: 'TidemillOffsetsReset',
    severity: 'critical',
    expression: `${sumByQueue('increase(tidemill_offset_resets_total[1h])')} > 0`,
    summary: 'The broker deleted jobs before they were done, or lost them.',
    description: `{{ $value | printf "%.0f" }} partitions of ${THE_QUEUE} began anew in the last hour, because the broker no longer had what came next.`,
  },
  {
    name: 'TidemillJobsHeld',
    severity: 'critical',
    for: '5m',
    expression: `${sumByQueue('tidemill_jobs_held')} > 0`,
    summary: 'Workers stand still, because retries or dead letters can not be written.',
    description: `{{ $value }} jobs of ${THE_QUEUE} are held unsettled, and their workers pull no more, because the broker does not take their retry or dead letter.`,
  },
  {
    name: 'TidemillHandlersStuck',
    severity: 'warning',
    for: '10m',
    expression: 'sum by (namespace, queue, pod) (tidemill_jobs_stuck) > 0',
    summary: 'Handlers ignore their abort and run on.',
    description:
      '{{ $value }} handlers in {{ $labels.pod }} (queue {{ $labels.queue }}) have run on for ten minutes after their timeout.',
  },
  {
    name: 'TidemillCrashSuspects',
    severity: 'warning',
    expression: `${sumByQueue('increase(tidemill_suspects_total{action="moved"}[30m])')} > 0`,
    summary: 'Jobs may be what kills their workers.',
    description: `{{ $value | printf "%.0f" }} jobs of ${THE_QUEUE} came again and again without having been settled, and were put aside to run alone.`,
  },
]
