import { type AlertCase, POD, pod, QUEUE, THE_QUEUE } from './alert-case.ts'

const WAIT = `tidemill_job_queue_wait_seconds_bucket{${POD},type="order"`
const IDLE_WORKER = {
  [`tidemill_jobs_started_total{${POD},type="order"}`]: '100x40',
  [`tidemill_jobs_in_flight{${POD},type="order"}`]: '0x40',
  [`tidemill_jobs_limit{${POD}}`]: '10x40',
  [`tidemill_connected{${POD},role="consume"}`]: '1x40',
}
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
    at: '5m',
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
    title: 'it has been so for three minutes',
    series: { ...IDLE_WORKER, [`tidemill_queue_ready{${QUEUE}}`]: '10x40' },
    at: '3m',
  },
  {
    alert: 'TidemillQueueStalled',
    title: 'the jobs that Kafka counts as ready are in work, and take long',
    series: {
      ...IDLE_WORKER,
      [`tidemill_jobs_in_flight{${POD},type="order"}`]: '4x40',
      [`tidemill_queue_ready{${QUEUE}}`]: '4x40',
    },
    at: '30m',
  },
  {
    alert: 'TidemillQueueStalled',
    title: 'no job is ready',
    series: { ...IDLE_WORKER, [`tidemill_queue_ready{${QUEUE}}`]: '0x40' },
    at: '30m',
  },
  {
    alert: 'TidemillQueueStalled',
    title: 'the worker can publish, and is not connected to consume',
    series: {
      ...IDLE_WORKER,
      [`tidemill_connected{${POD},role="consume"}`]: '0x40',
      [`tidemill_connected{${POD},role="publish"}`]: '1x40',
      [`tidemill_queue_ready{${QUEUE}}`]: '10x40',
    },
    at: '30m',
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
    title: 'two hundred jobs wait on Kafka, and nearly all of them are in work',
    series: {
      [`tidemill_queue_ready{${QUEUE}}`]: '200x60',
      [`tidemill_jobs_in_flight{${POD},type="order"}`]: '190x60',
    },
    at: '50m',
  },
  {
    alert: 'TidemillBacklogNotDraining',
    title: 'a few jobs wait for long',
    series: { [`tidemill_queue_ready{${QUEUE}}`]: '60x60' },
    at: '50m',
  },
  {
    alert: 'TidemillBacklogNotDraining',
    title: 'a burst came twenty minutes ago',
    series: { [`tidemill_queue_ready{${QUEUE}}`]: '0x10 200+10x60' },
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
    title: 'jobs begun in the last five minutes had waited for long',
    series: {
      [`${WAIT},le="300"}`]: '0x60',
      [`${WAIT},le="600"}`]: '0x25 0+10x30',
      [`${WAIT},le="+Inf"}`]: '0x25 0+10x30',
    },
    at: '31m',
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
]
