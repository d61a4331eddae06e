import { graph, type PanelMaker } from './panels.ts'
import { CONTAINER, JOBS, PROCESS, QUEUE, quantile, rate } from './selectors.ts'

const limitOf = (resource: string) => `max(kube_pod_container_resource_limits{${CONTAINER}, resource="${resource}"})`

/** Is something full: slots, the event loop, the CPU, the memory? */
export const saturation: readonly PanelMaker[] = [
  graph({
    title: 'Slots in use',
    description:
      'Jobs in flight as a part of how many may run at once. Near 1 with a backlog: more workers help. Low with a backlog: the workers do not get the jobs.',
    unit: 'part',
    width: 8,
    queries: [
      ['all', `sum(tidemill_jobs_in_flight{${QUEUE}}) / sum(tidemill_jobs_limit{${QUEUE}})`],
      [
        'fullest',
        `max(sum by (namespace, pod) (tidemill_jobs_in_flight{${QUEUE}}) / sum by (namespace, pod) (tidemill_jobs_limit{${QUEUE}}))`,
      ],
    ],
  }),
  graph({
    title: 'In flight, by type',
    description: 'Which type has the slots. A slow type can be bounded by maxConcurrent.',
    unit: 'n',
    width: 8,
    stacked: true,
    queries: [['{{type}}', `sum by (type) (tidemill_jobs_in_flight{${JOBS}})`]],
  }),
  graph({
    title: 'Held back by the broker',
    description:
      'held: jobs whose retry or dead letter can not be written; their worker pulls no more. blocked: workers whose broker takes no messages (an alarm of memory or disk).',
    unit: 'n',
    width: 8,
    queries: [
      ['held', `sum(tidemill_jobs_held{${QUEUE}})`],
      ['blocked', `sum(tidemill_publish_blocked{${QUEUE}})`],
    ],
  }),
  graph({
    title: 'Event loop delay, p99 by worker',
    description:
      'How late the event loop comes to a timer. Above a second, heartbeats and acknowledgements wait: a handler computes on the main thread.',
    unit: 'seconds',
    width: 8,
    queries: [['{{pod}}', quantile(0.99, 'tidemill_event_loop_delay_seconds', QUEUE, ['pod'])]],
  }),
  graph({
    title: 'Event loop stands still',
    description:
      'For how long it has not come round at all, by worker; asked for on a thread of its own. All other figures of the worker are missing meanwhile.',
    unit: 'seconds',
    width: 8,
    queries: [['{{pod}}', `max by (pod) (tidemill_event_loop_stalled_seconds{${PROCESS}})`]],
  }),
  graph({
    title: 'CPU by worker',
    description: 'Cores in use; JavaScript itself fills one at most. The limit comes from kube-state-metrics.',
    unit: 'cores',
    width: 8,
    queries: [
      ['{{pod}}', `sum by (pod) (${rate('process_cpu_seconds_total', PROCESS)})`],
      ['limit', limitOf('cpu')],
    ],
  }),
  graph({
    title: 'Throttled',
    description: "The part of the scheduler's periods in which the CPU limit stopped a worker. From cAdvisor.",
    unit: 'part',
    width: 8,
    queries: [
      [
        '{{pod}}',
        `sum by (pod) (${rate('container_cpu_cfs_throttled_periods_total', CONTAINER)}) / sum by (pod) (${rate('container_cpu_cfs_periods_total', CONTAINER)})`,
      ],
    ],
  }),
  graph({
    title: 'Memory by worker',
    description:
      'Resident. At the limit the kernel kills the worker, and its jobs come again. The limit comes from kube-state-metrics.',
    unit: 'bytes',
    width: 8,
    queries: [
      ['{{pod}}', `max by (pod) (process_resident_memory_bytes{${PROCESS}})`],
      ['limit', limitOf('memory')],
    ],
  }),
  graph({
    title: 'Heap and garbage collection',
    description:
      'heap: the fullest one. collecting: the part of the time that the busiest worker spends on it; above 0.1 the heap is too small or leaks.',
    unit: 'part',
    width: 8,
    queries: [
      ['heap', `max(nodejs_heap_size_used_bytes{${PROCESS}} / nodejs_heap_size_total_bytes{${PROCESS}})`],
      ['collecting', `max(sum by (namespace, pod) (${rate('nodejs_gc_duration_seconds_sum', PROCESS)}))`],
    ],
  }),
]
