import { graph, type PanelMaker, table } from './panels.ts'
import { CONTAINER, increase, JOBS, PROCESS, QUEUE } from './selectors.ts'

/** Are workers killed, cut off from the broker, or stuck? */
export const lifecycle: readonly PanelMaker[] = [
  graph({
    title: 'Workers by state',
    description:
      'starting for long: setup() or the broker. failed: it ends with an error; its last log line says which.',
    unit: 'n',
    width: 8,
    stacked: true,
    colors: { starting: 'blue', running: 'green', draining: 'yellow', stopped: 'gray', failed: 'red' },
    queries: [['{{state}}', `sum by (state) (tidemill_worker_state{${QUEUE}})`]],
  }),
  graph({
    title: 'Restarts and kills',
    description:
      'again: processes that began anew in their pod. restarts and the reason of the last end come from kube-state-metrics: OOMKilled is the memory limit, Error with exit code 137 a SIGKILL, 75 a drain that gave jobs back.',
    unit: 'n',
    width: 8,
    bars: true,
    queries: [
      ['again', `sum(changes(process_start_time_seconds{${PROCESS}}[$__rate_interval]))`],
      ['restarts', `sum(${increase('kube_pod_container_status_restarts_total', CONTAINER)})`],
      ['last end: {{reason}}', `sum by (reason) (kube_pod_container_status_last_terminated_reason{${CONTAINER}})`],
    ],
  }),
  graph({
    title: 'Suspects of a crash loop',
    description:
      'Jobs that came a third time without having been settled, so that they may be what kills the workers. moved: put aside. running: run alone. condemned: dead-lettered, reason crash-loop.',
    unit: 'n',
    width: 8,
    bars: true,
    queries: [['{{action}}', `sum by (action) (${increase('tidemill_suspects_total', QUEUE)})`]],
  }),
  graph({
    title: 'Connections to the broker',
    description:
      'not connected: workers without the connection that consumes. failed: connections lost or refused. again: opened anew after a loss.',
    unit: 'n',
    width: 8,
    queries: [
      ['not connected', `sum(1 - tidemill_connected{${QUEUE}, role="consume"})`],
      ['{{role}} failed', `sum by (role) (${increase('tidemill_connection_failures_total', QUEUE)})`],
      ['{{role}} again', `sum by (role) (${increase('tidemill_reconnects_total', QUEUE)})`],
    ],
  }),
  graph({
    title: 'Consumers lost, queues not as needed',
    description:
      'lost: the broker took the consumer away while the connection stayed. topology: the queue is not set up as the worker needs it: `tidemill topology verify` says what is missing. rejections: promises that failed and nobody waited for.',
    unit: 'n',
    width: 8,
    bars: true,
    queries: [
      ['lost', `sum(${increase('tidemill_consumers_lost_total', QUEUE)})`],
      ['topology', `sum(${increase('tidemill_topology_faults_total', QUEUE)})`],
      ['rejections', `sum(${increase('tidemill_unhandled_rejections_total', QUEUE)})`],
    ],
  }),
  graph({
    title: 'Drains',
    description:
      'How long workers take to finish what they run when they are to end. At the limit, what still runs is aborted and given back. A worker ends at once after its drain, so many scrapes miss the end.',
    unit: 'seconds',
    width: 8,
    queries: [
      ['{{pod}}', `max by (pod) (tidemill_drain_duration_seconds{${QUEUE}} > 0)`],
      ['limit', `min(tidemill_drain_limit_seconds{${QUEUE}})`],
    ],
  }),
  graph({
    title: 'Given back unfinished',
    description:
      'abandoned: at the deadline of a drain. released: by drains in all. The broker gives them to another worker; what they had done is done again.',
    unit: 'n',
    width: 8,
    bars: true,
    queries: [
      ['abandoned', `sum(max_over_time(tidemill_jobs_abandoned_total{${QUEUE}}[$__rate_interval]))`],
      ['released', `sum(${increase('tidemill_jobs_settled_total', `${JOBS}, outcome="release"`)})`],
    ],
  }),
  graph({
    title: 'Handlers that ignore their abort',
    description:
      'stuck: still running after their timeout and the grace; their slot is free again, their memory and connections are not. Too many, and the liveness probe fails.',
    unit: 'n',
    width: 8,
    queries: [
      ['stuck, {{pod}}', `sum by (pod) (tidemill_jobs_stuck{${QUEUE}})`],
      ['new, {{type}}', `sum by (type) (${increase('tidemill_jobs_stuck_total')})`],
    ],
  }),
  graph({
    title: 'Partitions',
    description:
      'Kafka only. By worker: the partitions that it has; without any it is idle. shared out: how often they were shared out anew, as at each change of the number of workers. without offsets: begun without a committed offset, as in a new group; of a group that has worked before, its offsets are gone. begun anew: the broker no longer had what came next, so jobs may be lost. progress unreadable: jobs may run again.',
    unit: 'n',
    width: 8,
    queries: [
      ['{{pod}}', `max by (pod) (tidemill_partitions_assigned{${QUEUE}})`],
      ['shared out', `sum(${increase('tidemill_rebalances_total', QUEUE)})`],
      ['without offsets', `sum(${increase('tidemill_offsets_missing_total', QUEUE)})`],
      ['begun anew', `sum(${increase('tidemill_offset_resets_total', QUEUE)})`],
      ['progress unreadable', `sum(${increase('tidemill_progress_unreadable_total', QUEUE)})`],
    ],
  }),
  graph({
    title: 'Versions',
    description: 'Workers by version of tidemill and of Node. Two at once: a deploy is under way, or stands still.',
    unit: 'n',
    width: 8,
    stacked: true,
    queries: [['{{version}} on {{node}}', `count by (version, node) (tidemill_build_info{${QUEUE}})`]],
  }),
  table({
    title: 'Who is at it for the longest',
    description:
      'The handlers that have run for the longest, by worker and type: who is stuck, and in what. Beyond its timeout a handler is aborted.',
    unit: 'seconds',
    width: 16,
    expression: `topk(20, tidemill_jobs_oldest_seconds{${JOBS}} > 0)`,
    columns: { namespace: 'Namespace', queue: 'Queue', pod: 'Pod', type: 'Type' },
    value: 'Has run for',
  }),
]
