import { type AlertCase, POD, pod, QUEUE, THE_QUEUE } from './alert-case.ts'

const WAIT = `tidemill_job_queue_wait_seconds_bucket{${POD},type="order"`
const IDLE_WORKER = {
  [`tidemill_jobs_started_total{${POD},type="order"}`]: '100x40',
  [`tidemill_jobs_in_flight{${POD},type="order"}`]: '0x40',
  [`tidemill_jobs_limit{${POD}}`]: '10x40',
  [`tidemill_connected{${POD},role="consume"}`]: '1x40',
}
const HPA = 'namespace="shop",horizontalpodautoscaler="keda-hpa-worker"'
const OTHER_HPA = 'namespace="shop",horizontalpodautoscaler="web"'
const KEDA =
  'scaledObject="worker",scaler="rabbitMQScaler",metric="s0-rabbitmq-orders",triggerIndex="0",type="scaledobject"'

export const backlogCases: readonly AlertCase[] = [
  {
    alert: 'TidemillNoConsumers',
    title: 'jobs wait at zero workers, and none comes',
    series: {
      [`tidemill_queue_ready{${QUEUE}}`]: '50x20',
      [`tidemill_queue_suspects{${QUEUE}}`]: '0x20',
      [`tidemill_queue_consumers{${QUEUE}}`]: '0x20',
    },
    at: '15m',
    fires: { labels: THE_QUEUE, description: '50 jobs of orders in shop wait, and nobody consumes from the queue.' },
  },
  {
    alert: 'TidemillNoConsumers',
    title: 'a suspect alone needs a worker too',
    series: {
      [`tidemill_queue_ready{${QUEUE}}`]: '0x20',
      [`tidemill_queue_suspects{${QUEUE}}`]: '1x20',
      [`tidemill_queue_consumers{${QUEUE}}`]: '0x20',
    },
    at: '15m',
    fires: { labels: THE_QUEUE, description: '1 jobs of orders in shop wait, and nobody consumes from the queue.' },
  },
  {
    alert: 'TidemillNoConsumers',
    title: 'the first worker took six minutes to start',
    series: {
      [`tidemill_queue_ready{${QUEUE}}`]: '50x30',
      [`tidemill_queue_suspects{${QUEUE}}`]: '0x30',
      [`tidemill_queue_consumers{${QUEUE}}`]: '0x5 1x25',
    },
    at: '20m',
  },
  {
    alert: 'TidemillQueueStalled',
    title: 'a connected worker with free slots begins nothing',
    series: { ...IDLE_WORKER, [`tidemill_queue_ready{${QUEUE}}`]: '10x40' },
    at: '20m',
    fires: {
      labels: THE_QUEUE,
      description:
        '10 jobs or more of orders in shop have waited for ten minutes in which connected workers with free slots began none.',
    },
  },
  {
    alert: 'TidemillQueueStalled',
    title: 'every slot has a long job',
    series: {
      ...IDLE_WORKER,
      [`tidemill_jobs_in_flight{${POD},type="order"}`]: '10x40',
      [`tidemill_queue_ready{${QUEUE}}`]: '10x40',
    },
    at: '30m',
  },
  {
    alert: 'TidemillQueueStalled',
    title: 'another worker takes the jobs',
    series: {
      ...IDLE_WORKER,
      [`tidemill_jobs_started_total{${pod('fghij')},type="order"}`]: '0+1x40',
      [`tidemill_queue_ready{${QUEUE}}`]: '10x40',
    },
    at: '30m',
  },
  {
    alert: 'TidemillBacklogNotDraining',
    title: 'it grows',
    series: { [`tidemill_queue_ready{${QUEUE}}`]: '200+10x60' },
    at: '40m',
    fires: {
      labels: THE_QUEUE,
      description: '450 jobs or more of orders in shop have waited for half an hour, and they do not get fewer.',
    },
  },
  {
    alert: 'TidemillBacklogNotDraining',
    title: 'it is large, and shrinks slowly',
    series: { [`tidemill_queue_ready{${QUEUE}}`]: '5000-10x60' },
    at: '50m',
  },
  {
    alert: 'TidemillBacklogNotDraining',
    title: 'a few jobs come and go',
    series: { [`tidemill_queue_ready{${QUEUE}}`]: '20 80 40 90 20 80 40 90 20 80 40 90 20 80 40 90 20+5x40' },
    at: '30m',
  },
  {
    alert: 'TidemillQueueWaitTooLong',
    title: 'jobs had waited between five and ten minutes',
    series: {
      [`${WAIT},le="300"}`]: '0x60',
      [`${WAIT},le="600"}`]: '0+10x60',
      [`${WAIT},le="+Inf"}`]: '0+10x60',
    },
    at: '30m',
    fires: {
      labels: THE_QUEUE,
      description: 'One in twenty jobs of orders in shop had waited for 9m 45s or longer when it was begun.',
    },
  },
  {
    alert: 'TidemillQueueWaitTooLong',
    title: 'one job in a hundred had waited for long',
    series: {
      [`${WAIT},le="60"}`]: '0+99x60',
      [`${WAIT},le="600"}`]: '0+100x60',
      [`${WAIT},le="+Inf"}`]: '0+100x60',
    },
    at: '30m',
  },
  {
    alert: 'TidemillAtMaxReplicas',
    title: 'the HPA of the worker has asked for the most for long, and jobs wait',
    series: {
      [`tidemill_queue_ready{${QUEUE}}`]: '30x40',
      [`tidemill_build_info{${POD},version="1",node="v24"}`]: '1x40',
      [`kube_horizontalpodautoscaler_status_desired_replicas{${HPA}}`]: '20x40',
      [`kube_horizontalpodautoscaler_spec_max_replicas{${HPA}}`]: '20x40',
      [`kube_horizontalpodautoscaler_info{${HPA},scaletargetref_kind="Deployment",scaletargetref_name="worker"}`]:
        '1x40',
    },
    at: '30m',
    fires: {
      labels: THE_QUEUE,
      description: '30 jobs of orders in shop wait while its HPA asks for the most workers that it may.',
    },
  },
  {
    alert: 'TidemillAtMaxReplicas',
    title: "another program's HPA is at its most, the worker's is not",
    series: {
      [`tidemill_queue_ready{${QUEUE}}`]: '30x40',
      [`tidemill_build_info{${POD},version="1",node="v24"}`]: '1x40',
      [`kube_horizontalpodautoscaler_status_desired_replicas{${HPA}}`]: '5x40',
      [`kube_horizontalpodautoscaler_spec_max_replicas{${HPA}}`]: '20x40',
      [`kube_horizontalpodautoscaler_info{${HPA},scaletargetref_kind="Deployment",scaletargetref_name="worker"}`]:
        '1x40',
      [`kube_horizontalpodautoscaler_status_desired_replicas{${OTHER_HPA}}`]: '3x40',
      [`kube_horizontalpodautoscaler_spec_max_replicas{${OTHER_HPA}}`]: '3x40',
      [`kube_horizontalpodautoscaler_info{${OTHER_HPA},scaletargetref_kind="Deployment",scaletargetref_name="web"}`]:
        '1x40',
    },
    at: '30m',
  },
  {
    alert: 'TidemillScalerErrors',
    title: 'a trigger can not be read, and KEDA names the namespace in a label that Prometheus renamed',
    series: {
      [`keda_scaler_detail_errors_total{namespace="keda",exported_namespace="shop",${KEDA}}`]: '0+2x20',
      [`tidemill_queue_read_errors_total{${QUEUE}}`]: '0x20',
    },
    at: '15m',
    fires: {
      labels: { namespace: 'shop', scaledObject: 'worker', scaler: 'rabbitMQScaler' },
      description: 'KEDA has failed for five minutes to read the trigger rabbitMQScaler of worker in shop.',
    },
  },
  {
    alert: 'TidemillScalerErrors',
    title: 'labels are honoured, and only workers are there, no exporter',
    series: {
      [`keda_scaler_detail_errors_total{namespace="shop",${KEDA}}`]: '0+2x20',
      [`tidemill_build_info{${POD},version="1",node="v24"}`]: '1x20',
    },
    at: '15m',
    fires: {
      labels: { namespace: 'shop', scaledObject: 'worker', scaler: 'rabbitMQScaler' },
      description: 'KEDA has failed for five minutes to read the trigger rabbitMQScaler of worker in shop.',
    },
  },
  {
    alert: 'TidemillScalerErrors',
    title: 'another namespace has the errors',
    series: {
      [`keda_scaler_detail_errors_total{namespace="elsewhere",${KEDA}}`]: '0+2x20',
      [`keda_scaler_detail_errors_total{namespace="shop",${KEDA}}`]: '7x20',
      [`tidemill_queue_read_errors_total{${QUEUE}}`]: '0x20',
    },
    at: '15m',
  },
  {
    alert: 'TidemillBacklogUnreadable',
    title: 'the exporter fails at each reading, and has no figures',
    series: { [`tidemill_queue_read_errors_total{${QUEUE}}`]: '0+1x20' },
    at: '15m',
    fires: {
      labels: THE_QUEUE,
      description:
        'The backlog of orders in shop has not been read for five minutes. Alerts about it can not fire meanwhile.',
    },
  },
  {
    alert: 'TidemillBacklogUnreadable',
    title: 'the exporter is gone',
    series: {
      [`tidemill_queue_read_timestamp_seconds{${QUEUE}}`]: '0+60x10 stale',
      [`tidemill_queue_read_errors_total{${QUEUE}}`]: '0x10 stale',
    },
    at: '30m',
    fires: {
      labels: THE_QUEUE,
      description:
        'The backlog of orders in shop has not been read for five minutes. Alerts about it can not fire meanwhile.',
    },
  },
  {
    alert: 'TidemillBacklogUnreadable',
    title: 'one reading failed while the broker restarted',
    series: {
      [`tidemill_queue_read_timestamp_seconds{${QUEUE}}`]: '0+60x9 _ 660+60x20',
      [`tidemill_queue_read_errors_total{${QUEUE}}`]: '0x9 1x20',
    },
    at: '17m',
  },
]
