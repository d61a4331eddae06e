import { type AlertCase, POD, pod, THE_QUEUE } from './alert-case.ts'

const DELAY = `tidemill_event_loop_delay_seconds_bucket{${POD}`
const THE_POD = { ...THE_QUEUE, pod: 'worker-7d9f8b6c5-abcde' }

export const workerCases: readonly AlertCase[] = [
  {
    alert: 'TidemillWorkersRestarting',
    title: 'a process begins anew three times in the same pod',
    series: { [`process_start_time_seconds{${POD}}`]: '100x5 400x3 700x3 1000x20' },
    at: '14m',
    fires: { labels: THE_QUEUE, description: 'Workers of orders in shop began anew 3 times in the last 15 minutes.' },
  },
  {
    alert: 'TidemillWorkersRestarting',
    title: 'pods come and go, and another program in the namespace crashes',
    series: {
      [`process_start_time_seconds{${pod('a')}}`]: '100x5 stale',
      [`process_start_time_seconds{${pod('b')}}`]: '_x5 400x5 stale',
      [`process_start_time_seconds{${pod('c')}}`]: '_x5 410x20',
      [`process_start_time_seconds{${pod('d')}}`]: '_x8 600x20',
      'process_start_time_seconds{namespace="shop",pod="web"}': '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15',
    },
    at: '14m',
  },
  {
    alert: 'TidemillWorkersRestarting',
    title: 'a process began anew twice',
    series: { [`process_start_time_seconds{${POD}}`]: '100x5 400x3 700x20' },
    at: '14m',
  },
  {
    alert: 'TidemillReconnectStorm',
    title: 'one worker of two loses its connection every minute',
    series: {
      [`tidemill_connection_failures_total{${POD},role="consume"}`]: '0+1x40',
      [`tidemill_connection_failures_total{${pod('b')},role="consume"}`]: '0x40',
    },
    at: '30m',
    fires: {
      labels: THE_QUEUE,
      description: 'A worker of orders in shop lost its connection or was refused one 15 times in the last 15 minutes.',
    },
  },
  {
    alert: 'TidemillReconnectStorm',
    title: 'a worker was refused ten times within a minute, two minutes ago',
    series: { [`tidemill_connection_failures_total{${POD},role="consume"}`]: '0x10 10x30' },
    at: '12m',
  },
  {
    alert: 'TidemillReconnectStorm',
    title: 'the broker restarted, and ten workers lost both connections once',
    series: Object.fromEntries(
      ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].flatMap((name) =>
        ['consume', 'publish'].map((role) => [
          `tidemill_connection_failures_total{${pod(name)},role="${role}"}`,
          '0x10 1x30',
        ]),
      ),
    ),
    at: '20m',
  },
  {
    alert: 'TidemillEventLoopBlocked',
    title: 'one timer in thirty comes between one and two and a half seconds late',
    series: {
      [`${DELAY},le="1"}`]: '0+580x40',
      [`${DELAY},le="2.5"}`]: '0+600x40',
      [`${DELAY},le="+Inf"}`]: '0+600x40',
    },
    at: '20m',
    fires: {
      labels: THE_POD,
      description: 'The event loop of worker-7d9f8b6c5-abcde (queue orders) does not come round for 2.05s at a time.',
    },
  },
  {
    alert: 'TidemillEventLoopBlocked',
    title: 'a loop stands still, and no other figure of the worker is there',
    series: {
      [`tidemill_event_loop_stalled_seconds{${POD}}`]: '0x5 30+60x20',
      [`${DELAY},le="+Inf"}`]: '0+600x5 stale',
    },
    at: '11m',
    fires: {
      labels: THE_POD,
      description: 'The event loop of worker-7d9f8b6c5-abcde (queue orders) does not come round for 5m 30s at a time.',
    },
  },
  {
    alert: 'TidemillEventLoopBlocked',
    title: 'it stood still once, and is hardly late otherwise',
    series: {
      [`tidemill_event_loop_stalled_seconds{${POD}}`]: '0x5 8 0x30',
      [`${DELAY},le="0.1"}`]: '0+600x40',
      [`${DELAY},le="+Inf"}`]: '0+600x40',
    },
    at: '9m',
  },
  {
    alert: 'TidemillEventLoopBlocked',
    title: 'it is late by half a second, and stands still for two at times',
    series: {
      [`tidemill_event_loop_stalled_seconds{${POD}}`]: '2x40',
      [`${DELAY},le="0.25"}`]: '0x40',
      [`${DELAY},le="0.5"}`]: '0+600x40',
      [`${DELAY},le="+Inf"}`]: '0+600x40',
    },
    at: '30m',
  },
  {
    alert: 'TidemillDrainsTooSlow',
    title: 'the last look at a draining worker saw 24 of 25 seconds',
    series: {
      [`tidemill_drain_duration_seconds{${POD}}`]: '0x10 24 stale',
      [`tidemill_drain_limit_seconds{${POD}}`]: '25x11 stale',
    },
    at: '20m',
    fires: {
      labels: THE_QUEUE,
      description:
        'In the last half hour a drain of orders in shop took more than 80 % of its limit, or gave jobs back unfinished.',
    },
  },
  {
    alert: 'TidemillDrainsTooSlow',
    title: 'a second signal cut a drain short, and jobs were given back',
    series: {
      [`tidemill_drain_duration_seconds{${POD}}`]: '0x10 3 stale',
      [`tidemill_drain_limit_seconds{${POD}}`]: '25x11 stale',
      [`tidemill_jobs_abandoned_total{${POD}}`]: '0x10 2 stale',
    },
    at: '20m',
    fires: {
      labels: THE_QUEUE,
      description:
        'In the last half hour a drain of orders in shop took more than 80 % of its limit, or gave jobs back unfinished.',
    },
  },
  {
    alert: 'TidemillDrainsTooSlow',
    title: 'a drain took five seconds, and another worker has no limit at all',
    series: {
      [`tidemill_drain_duration_seconds{${POD}}`]: '0x10 5 stale',
      [`tidemill_drain_limit_seconds{${POD}}`]: '25x11 stale',
      [`tidemill_jobs_abandoned_total{${POD}}`]: '0x11 stale',
      [`tidemill_drain_duration_seconds{${pod('b')}}`]: '0x10 5 stale',
      [`tidemill_drain_limit_seconds{${pod('b')}}`]: '0x11 stale',
    },
    at: '20m',
  },
]
