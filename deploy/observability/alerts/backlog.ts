import { type Alert, byQueue, sumByQueue, THE_QUEUE } from './alert.ts'

/** What workers have in work, to be set against what is ready: on Kafka that is a part of it, so only what is more waits. */
const IN_WORK = sumByQueue('tidemill_jobs_in_flight')

/** Is the backlog worked off, and is there anyone to do it? The figures of the queue come from `tidemill exporter`. */
export const backlogAlerts: readonly Alert[] = [
  {
    name: 'TidemillNoConsumers',
    severity: 'critical',
    // From zero it takes a look of KEDA (30 s), a node, an image and a start: minutes are no fault, ten are.
    for: '10m',
    expression: `${byQueue('tidemill_queue_ready')} + ${byQueue('tidemill_queue_suspects')} > 0
and
${byQueue('tidemill_queue_consumers')} == 0`,
    summary: 'Jobs wait and no worker consumes.',
    description: `{{ $value }} jobs of ${THE_QUEUE} wait, and nobody consumes from the queue.`,
  },
  {
    name: 'TidemillQueueStalled',
    severity: 'critical',
    for: '5m',
    // By queue, not by worker: on Kafka a worker without a partition rightly begins nothing.
    expression: `${byQueue('min_over_time(tidemill_queue_ready[10m])')} > ${IN_WORK}
and
${sumByQueue('increase(tidemill_jobs_started_total[10m])')} == 0
and
${IN_WORK} < ${sumByQueue('tidemill_jobs_limit')}
and
${sumByQueue('tidemill_connected{role="consume"}')} > 0`,
    summary: 'Workers are connected and have free slots, and none begins a job.',
    description: `{{ $value }} jobs or more of ${THE_QUEUE} have waited for ten minutes in which connected workers with free slots began none.`,
  },
  {
    name: 'TidemillBacklogNotDraining',
    severity: 'warning',
    for: '15m',
    // Fewer than 100 jobs beyond those in work are no backlog, but the noise of a queue that is worked off.
    expression: `(
    ${byQueue('min_over_time(tidemill_queue_ready[15m])')} - ${IN_WORK}
  or
    ${byQueue('min_over_time(tidemill_queue_ready[15m])')}
) > 100
and
${byQueue('deriv(tidemill_queue_ready[15m])')} >= 0`,
    summary: 'The backlog has not shrunk for half an hour.',
    description: `{{ $value }} jobs or more of ${THE_QUEUE} have waited for half an hour, and they do not get fewer.`,
  },
  {
    name: 'TidemillQueueWaitTooLong',
    severity: 'warning',
    for: '10m',
    // Five minutes: what KEDA, a cold start and the work-off of a burst take together, doubled.
    expression: `histogram_quantile(0.95, sum by (namespace, queue, le) (rate(tidemill_job_queue_wait_seconds_bucket[10m]))) > 300`,
    summary: 'Jobs wait for more than five minutes before they are begun.',
    description: `One in twenty jobs of ${THE_QUEUE} had waited for {{ $value | humanizeDuration }} or longer when it was begun.`,
  },
  {
    name: 'TidemillAtMaxReplicas',
    severity: 'warning',
    for: '15m',
    // From the queue to its HPA: a worker's pod is named after its Deployment, which the HPA scales.
    expression: `${byQueue('tidemill_queue_ready')} > ${IN_WORK}
and on (namespace, queue)
(
    count by (namespace, queue, deployment) (label_replace(tidemill_build_info, "deployment", "$1", "pod", "(.+)-[^-]+-[^-]+"))
  and on (namespace, deployment)
    label_replace(
        max by (namespace, horizontalpodautoscaler) (kube_horizontalpodautoscaler_status_desired_replicas)
      >= on (namespace, horizontalpodautoscaler) group_right ()
        max by (namespace, horizontalpodautoscaler) (kube_horizontalpodautoscaler_spec_max_replicas)
      * on (namespace, horizontalpodautoscaler) group_right ()
        max by (namespace, horizontalpodautoscaler, scaletargetref_name) (kube_horizontalpodautoscaler_info),
      "deployment", "$1", "scaletargetref_name", "(.+)"
    )
)`,
    summary: 'There are as many workers as may be, and more jobs wait than they have in work.',
    description: `{{ $value }} jobs of ${THE_QUEUE} wait while its HPA asks for the most workers that it may.`,
  },
  {
    name: 'TidemillScalerErrors',
    severity: 'warning',
    for: '5m',
    // KEDA names the scaled object's namespace; where Prometheus does not honour that, it calls the label exported_namespace.
    expression: `sum by (namespace, scaledObject, scaler) (
  label_replace(rate(keda_scaler_detail_errors_total[5m]), "namespace", "$1", "exported_namespace", "(.+)")
) > 0
and on (namespace)
group by (namespace) (tidemill_queue_read_errors_total or tidemill_build_info)`,
    summary: 'KEDA can not read a trigger: it does not know how many workers are needed.',
    description:
      'KEDA has failed for five minutes to read the trigger {{ $labels.scaler }} of {{ $labels.scaledObject }} in {{ $labels.namespace }}.',
  },
  {
    name: 'TidemillBacklogUnreadable',
    severity: 'warning',
    for: '5m',
    // The second half finds an exporter that is gone, for as long as it was there within the last hour.
    expression: `${sumByQueue('increase(tidemill_queue_read_errors_total[5m])')} > 0
or
time() - ${byQueue('max_over_time(tidemill_queue_read_timestamp_seconds[1h])')} > 300`,
    summary: 'Nobody knows the backlog: the exporter can not read it, or is gone.',
    description: `The backlog of ${THE_QUEUE} has not been read for five minutes. Alerts about it can not fire meanwhile.`,
  },
]
