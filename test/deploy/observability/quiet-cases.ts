import { ALERT_GROUPS } from '../../../deploy/observability/alerts/alerts.ts'
import { type AlertCase, POD, QUEUE } from './alert-case.ts'

const HPA = 'namespace="shop",horizontalpodautoscaler="keda-hpa-worker"'

/** What the exporter says of a queue that is empty. */
const EMPTY = {
  [`tidemill_queue_ready{${QUEUE}}`]: '0x180',
  [`tidemill_queue_unacknowledged{${QUEUE}}`]: '0x180',
  [`tidemill_queue_suspects{${QUEUE}}`]: '0x180',
  [`tidemill_queue_dead{${QUEUE}}`]: '2x180',
  [`tidemill_queue_read_timestamp_seconds{${QUEUE}}`]: '0+60x180',
  [`tidemill_queue_read_errors_total{${QUEUE}}`]: '0x180',
  [`kube_horizontalpodautoscaler_spec_max_replicas{${HPA}}`]: '20x180',
  [`kube_horizontalpodautoscaler_info{${HPA},scaletargetref_kind="Deployment",scaletargetref_name="worker"}`]: '1x180',
}

/** A worker's series: `ended` where it drained and went after an hour. */
function worker(ended: boolean): Record<string, string> {
  const rise = (step: number) => (ended ? `0+${step}x60 stale` : `0+${step}x180`)
  const level = (value: number) => (ended ? `${value}x60 stale` : `${value}x180`)
  const type = `${POD},type="order"`
  return {
    [`tidemill_jobs_started_total{${type}}`]: rise(100),
    [`tidemill_jobs_settled_total{${type},outcome="ack"}`]: rise(99),
    [`tidemill_jobs_settled_total{${type},outcome="retry"}`]: rise(1),
    [`tidemill_jobs_retried_total{${type},reason="error"}`]: rise(1),
    [`tidemill_jobs_dead_total{${type},reason="permanent"}`]: level(0),
    [`tidemill_jobs_in_flight{${type}}`]: level(3),
    [`tidemill_jobs_limit{${POD}}`]: level(10),
    [`tidemill_jobs_held{${POD}}`]: level(0),
    [`tidemill_jobs_stuck{${POD}}`]: level(0),
    [`tidemill_jobs_abandoned_total{${POD}}`]: level(0),
    [`tidemill_suspects_total{${POD},action="moved"}`]: level(0),
    [`tidemill_connected{${POD},role="consume"}`]: level(1),
    [`tidemill_connection_failures_total{${POD},role="consume"}`]: level(0),
    [`tidemill_drain_duration_seconds{${POD}}`]: ended ? '0x59 3 stale' : '0x180',
    [`tidemill_drain_limit_seconds{${POD}}`]: level(25),
    [`tidemill_event_loop_stalled_seconds{${POD}}`]: level(0),
    [`tidemill_event_loop_delay_seconds_bucket{${POD},le="0.1"}`]: rise(600),
    [`tidemill_event_loop_delay_seconds_bucket{${POD},le="+Inf"}`]: rise(600),
    [`tidemill_job_queue_wait_seconds_bucket{${type},le="1"}`]: rise(100),
    [`tidemill_job_queue_wait_seconds_bucket{${type},le="+Inf"}`]: rise(100),
    [`tidemill_build_info{${POD},version="1",node="v24"}`]: level(1),
    [`process_start_time_seconds{${POD}}`]: level(100),
  }
}

/** Times at which no alert at all may fire. */
const STORIES: readonly Pick<AlertCase, 'title' | 'series' | 'at'>[] = [
  { title: 'there are no series at all', series: {}, at: '3h' },
  {
    title: 'the queue is empty and the workers went to zero',
    series: {
      ...EMPTY,
      ...worker(true),
      [`tidemill_queue_consumers{${QUEUE}}`]: '1x60 0x120',
      [`kube_horizontalpodautoscaler_status_desired_replicas{${HPA}}`]: '1x60 0x120',
    },
    at: '80m',
  },
  {
    title: 'a worker is busy, and all is well',
    series: {
      ...EMPTY,
      ...worker(false),
      [`tidemill_queue_ready{${QUEUE}}`]: '5 0 9 3 0 12 2 0 0 7x171',
      [`tidemill_queue_consumers{${QUEUE}}`]: '1x180',
      [`kube_horizontalpodautoscaler_status_desired_replicas{${HPA}}`]: '1x180',
    },
    at: '170m',
  },
]

/** Each story for each alert. */
export const quietCases: readonly AlertCase[] = STORIES.flatMap((story) =>
  Object.values(ALERT_GROUPS).flatMap((alerts) => alerts.map(({ name }) => ({ alert: name, ...story }))),
)
