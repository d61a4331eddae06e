import { type AlertCase, POD, QUEUE, THE_QUEUE } from './alert-case.ts'

const HPA = 'namespace="shop",horizontalpodautoscaler="keda-hpa-worker"'
const AT_MOST = {
  [`tidemill_queue_ready{${QUEUE}}`]: '30x40',
  [`tidemill_jobs_in_flight{${POD},type="order"}`]: '20x40',
  [`tidemill_build_info{${POD},version="1",node="v24"}`]: '1x40',
  [`kube_horizontalpodautoscaler_status_desired_replicas{${HPA}}`]: '20x40',
  [`kube_horizontalpodautoscaler_spec_max_replicas{${HPA}}`]: '20x40',
  [`kube_horizontalpodautoscaler_info{${HPA},scaletargetref_kind="Deployment",scaletargetref_name="worker"}`]: '1x40',
}
const OTHER_HPA = 'namespace="shop",horizontalpodautoscaler="web"'
const KEDA =
  'scaledObject="worker",scaler="rabbitMQScaler",metric="s0-rabbitmq-orders",triggerIndex="0",type="scaledobject"'

export const scalingCases: readonly AlertCase[] = [
  {
    alert: 'TidemillAtMaxReplicas',
    title: 'the HPA of the worker has asked for the most for long, and jobs wait',
    series: AT_MOST,
    at: '30m',
    fires: {
      labels: THE_QUEUE,
      description: '30 jobs of orders in shop wait while its HPA asks for the most workers that it may.',
    },
  },
  {
    alert: 'TidemillAtMaxReplicas',
    title: 'it has been at its most for five minutes',
    series: { ...AT_MOST, [`kube_horizontalpodautoscaler_status_desired_replicas{${HPA}}`]: '5x24 20x40' },
    at: '30m',
  },
  {
    alert: 'TidemillAtMaxReplicas',
    title: 'it is at its most, and has all jobs in work',
    series: { ...AT_MOST, [`tidemill_queue_ready{${QUEUE}}`]: '20x40' },
    at: '30m',
  },
  {
    alert: 'TidemillAtMaxReplicas',
    title: "another program's HPA is at its most, the worker's is not",
    series: {
      ...AT_MOST,
      [`kube_horizontalpodautoscaler_status_desired_replicas{${HPA}}`]: '5x40',
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
    title: 'three readings failed while the broker restarted',
    series: {
      [`keda_scaler_detail_errors_total{namespace="shop",${KEDA}}`]: '0x10 3x20',
      [`tidemill_queue_read_errors_total{${QUEUE}}`]: '0x30',
    },
    at: '13m',
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
    at: '12m',
  },
  {
    alert: 'TidemillBacklogUnreadable',
    title: 'readings are two minutes old when they are scraped',
    series: {
      [`tidemill_queue_read_timestamp_seconds{${QUEUE}}`]: '-120+60x30',
      [`tidemill_queue_read_errors_total{${QUEUE}}`]: '0x30',
    },
    at: '20m',
  },
]
