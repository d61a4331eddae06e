import { graph, type PanelMaker } from './panels.ts'
import { keda, QUEUE, queueGauge } from './selectors.ts'

const hpa = (name: string) =>
  `max by (horizontalpodautoscaler) (kube_horizontalpodautoscaler_${name}{namespace=~"$namespace"})`

/** Is KEDA blind? Are there enough workers, and may there be more? */
export const scaling: readonly PanelMaker[] = [
  graph({
    title: 'Workers: wanted, there, allowed',
    description:
      'Wanted above there: pods do not start (image, quota, nodes). Wanted at allowed with a backlog: maxReplicaCount is the limit. Consumers below running: workers are not connected. Wanted, there and allowed come from kube-state-metrics.',
    unit: 'n',
    width: 12,
    queries: [
      ['wanted by {{horizontalpodautoscaler}}', hpa('status_desired_replicas')],
      ['there, {{horizontalpodautoscaler}}', hpa('status_current_replicas')],
      ['allowed, {{horizontalpodautoscaler}}', hpa('spec_max_replicas')],
      ['running', `sum(tidemill_worker_state{${QUEUE}, state="running"})`],
      ['consumers', queueGauge('tidemill_queue_consumers')],
    ],
  }),
  graph({
    title: "KEDA's signal",
    description:
      'What each trigger reports; divided by its threshold it is the number of workers. No line while there is a backlog: KEDA is blind. From the KEDA operator.',
    unit: 'n',
    width: 12,
    queries: [['{{scaledObject}} {{metric}}', keda('keda_scaler_metrics_value')]],
  }),
  graph({
    title: "KEDA's errors",
    description:
      'Readings of a trigger that failed, a second. More than none: the broker or its management API refuses KEDA or is slow; the operator logs why. From the KEDA operator.',
    unit: 'n',
    width: 8,
    queries: [
      [
        '{{scaledObject}} {{scaler}}',
        keda(
          'keda_scaler_detail_errors_total',
          (series) => `sum by (scaledObject, scaler) (rate(${series}[$__rate_interval]))`,
        ),
      ],
      [
        '{{scaledObject}} as a whole',
        keda(
          'keda_scaled_object_errors_total',
          (series) => `sum by (scaledObject) (rate(${series}[$__rate_interval]))`,
        ),
      ],
    ],
  }),
  graph({
    title: 'Active, paused',
    description:
      '1 while a trigger asks for at least one worker; while none is active, KEDA scales to zero after the cooldown. Paused at 1: somebody stopped the scaling by annotation. From the KEDA operator.',
    unit: 'n',
    width: 8,
    queries: [
      ['{{scaledObject}} {{metric}} active', keda('keda_scaler_active')],
      ['{{scaledObject}} paused', keda('keda_scaled_object_paused')],
    ],
  }),
  graph({
    title: 'How long KEDA takes',
    description:
      'Reading a trigger, and how late the scaling loop comes round. The HPA gives up after 3 s. From the KEDA operator.',
    unit: 'seconds',
    width: 8,
    queries: [
      ['{{scaledObject}} {{metric}}', keda('keda_scaler_metrics_latency_seconds')],
      ['loop of {{resource}}', keda('keda_internal_scale_loop_latency_seconds')],
    ],
  }),
  graph({
    title: 'Age of the backlog shown here',
    description: 'Since `tidemill exporter` last read it. Gaps and errors: it can not; its log says why.',
    unit: 'seconds',
    width: 8,
    queries: [
      [
        '{{namespace}} {{queue}}',
        `time() - max by (namespace, queue) (tidemill_queue_read_timestamp_seconds{${QUEUE}})`,
      ],
    ],
  }),
  graph({
    title: 'Readings of the backlog that failed',
    description: 'Of `tidemill exporter`, an interval. A reading that failed is no figure at all, never 0.',
    unit: 'n',
    width: 8,
    bars: true,
    queries: [
      [
        '{{namespace}} {{queue}}',
        `sum by (namespace, queue) (increase(tidemill_queue_read_errors_total{${QUEUE}}[$__rate_interval]))`,
      ],
    ],
  }),
  graph({
    title: 'Cold start',
    description:
      "From the process's begin until a worker runs, its setup() included; the pull of the image and the scheduling come before. It is part of what a job waits at zero workers.",
    unit: 'seconds',
    width: 8,
    queries: [
      ['slowest', `max(tidemill_start_duration_seconds{${QUEUE}})`],
      ['mean', `avg(tidemill_start_duration_seconds{${QUEUE}} > 0)`],
    ],
  }),
]
