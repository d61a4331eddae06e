/** One row of the table of metrics. */
export interface Metric {
  readonly name: `tidemill_${string}`
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  /** What it counts or measures, one sentence. */
  readonly sentence: string
  /** Upper bounds, in the unit of the name. */
  readonly buckets?: readonly number[]
}

const DURATIONS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800]
const WAITS = [0.005, 0.025, 0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400]

/** What a worker exports, each with its queue besides the labels named here. The label `type` is one of the worker's own types, or `unknown`. */
export const METRICS = {
  started: counter('tidemill_jobs_started_total', ['type'], 'Jobs that were begun.'),
  settled: counter(
    'tidemill_jobs_settled_total',
    ['type', 'outcome'],
    'Jobs that were settled: `ack`, `retry`, `dead`, `release` (a drain), `lease-lost` (the broker had taken it back: it comes again).',
  ),
  retried: counter('tidemill_jobs_retried_total', ['type', 'reason'], 'Jobs that were put off to be tried again.'),
  deferred: counter(
    'tidemill_jobs_deferred_total',
    ['type'],
    'Jobs that were put off, not begun, because so many of their type were running.',
  ),
  dead: counter(
    'tidemill_jobs_dead_total',
    ['type', 'reason'],
    'Jobs that were dead-lettered, those never begun (`crash-loop`) included.',
  ),
  inFlight: gauge('tidemill_jobs_in_flight', ['type'], 'Jobs that were begun and are not yet settled.'),
  limit: gauge(
    'tidemill_jobs_limit',
    [],
    'How many jobs may run at once now: the `concurrency`, or what the guard has made of it.',
  ),
  concurrency: gauge(
    'tidemill_jobs_limit_configured',
    [],
    'The setting `concurrency`: the most that the guard allows.',
  ),
  reductions: counter(
    'tidemill_jobs_limit_reductions_total',
    ['reason'],
    'How often the guard let fewer jobs run at once: `event-loop` (late), `memory` (of the container), `heap`.',
  ),
  oldest: gauge(
    'tidemill_jobs_oldest_seconds',
    ['type'],
    'For how long the handler that was begun first of those running has run; 0 while none runs.',
  ),
  duration: histogram('tidemill_job_duration_seconds', ['type'], DURATIONS, 'The time from begin to outcome.'),
  wait: histogram(
    'tidemill_job_queue_wait_seconds',
    ['type'],
    WAITS,
    'The time from enqueueing to the first begin, where the producer says when.',
  ),
  attempts: histogram(
    'tidemill_job_attempts',
    [],
    [1, 2, 3, 4, 5, 7, 10, 20, 50],
    'The number of tries of a job that was acknowledged or dead-lettered.',
  ),
  redelivered: counter(
    'tidemill_jobs_redelivered_total',
    [],
    'Jobs begun of which the broker says that it delivered them before.',
  ),
  derived: counter(
    'tidemill_ids_derived_total',
    [],
    'Jobs begun whose id was derived, because the producer sent none.',
  ),
  late: counter(
    'tidemill_settlements_late_total',
    [],
    'Settlements that came after the broker had taken the job back.',
  ),
  connected: gauge('tidemill_connected', ['role'], '1 while connected to the broker, else 0.'),
  reconnects: counter('tidemill_reconnects_total', ['role'], 'Connections that were opened again after a loss.'),
  connectionFailures: counter(
    'tidemill_connection_failures_total',
    ['role'],
    'Connections that were lost or could not be opened.',
  ),
  consumersLost: counter(
    'tidemill_consumers_lost_total',
    [],
    'How often the broker took the consumer away while the connection stayed.',
  ),
  rebalances: counter(
    'tidemill_rebalances_total',
    [],
    'How often the partitions of the queue were shared out anew, where it has partitions.',
  ),
  partitions: gauge('tidemill_partitions_assigned', [], 'Partitions that this worker has now.'),
  offsetsMissing: counter(
    'tidemill_offsets_missing_total',
    [],
    'Partitions that this worker began without a committed offset: new to the group, or its offsets are gone.',
  ),
  offsetResets: counter(
    'tidemill_offset_resets_total',
    [],
    'How often a partition began anew because the broker no longer had what came next.',
  ),
  progressUnreadable: counter(
    'tidemill_progress_unreadable_total',
    [],
    'Partitions whose noted progress could not be used, so that jobs may run again.',
  ),
  topologyFaults: counter(
    'tidemill_topology_faults_total',
    [],
    'How often the queue was found not to be set up as the worker needs it.',
  ),
  blocked: gauge('tidemill_publish_blocked', [], '1 while the broker blocks publishers, else 0.'),
  held: gauge('tidemill_jobs_held', [], "Jobs held because their retry or dead letter can't be written."),
  suspects: counter(
    'tidemill_suspects_total',
    ['action'],
    'Suspects of a crash loop: `moved` aside, `running` alone, `condemned`.',
  ),
  stuck: gauge('tidemill_jobs_stuck', [], 'Handlers that ignored their abort and still run.'),
  stuckTotal: counter('tidemill_jobs_stuck_total', ['type'], 'Handlers that ignored their abort.'),
  threadsReplaced: counter(
    'tidemill_threads_replaced_total',
    ['cause'],
    'Threads for CPU-bound handlers that were ended (`aborted`: a job did not yield to its abort) or `died`, and were replaced.',
  ),
  abandoned: counter('tidemill_jobs_abandoned_total', [], 'Jobs given back unfinished at the deadline of a drain.'),
  state: gauge('tidemill_worker_state', ['state'], "1 for the worker's state, 0 for the others."),
  start: gauge('tidemill_start_duration_seconds', [], "The time from the process's begin to `running`; 0 before that."),
  drain: gauge('tidemill_drain_duration_seconds', [], 'How long the drain has taken so far, or took.'),
  drainLimit: gauge('tidemill_drain_limit_seconds', [], 'How long a drain may take before it aborts what still runs.'),
  loopDelay: histogram(
    'tidemill_event_loop_delay_seconds',
    [],
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    'How late the event loop came to a timer, ten samples a second.',
  ),
  rejections: counter('tidemill_unhandled_rejections_total', [], 'Rejected promises that no handler waited for.'),
  build: gauge('tidemill_build_info', ['version', 'node'], 'Always 1; the versions are in the labels.'),
} as const satisfies Record<string, Metric>

/** Served by the probe's own thread, so that it is there while the event loop is blocked. */
export const STALL_METRIC = gauge(
  'tidemill_event_loop_stalled_seconds',
  [],
  'For how long the event loop has not come round; alone in the answer while a handler blocks it.',
)

/** What `tidemill exporter` exports of one queue. A figure that could not be read is absent, never 0. */
export const QUEUE_METRICS = {
  ready: gauge(
    'tidemill_queue_ready',
    ['queue'],
    'Jobs that wait to be delivered; those that are worked on as well, where the broker does not know them.',
  ),
  unacknowledged: gauge(
    'tidemill_queue_unacknowledged',
    ['queue'],
    'Jobs delivered and not settled, where the broker knows them; needs `managementUrl`.',
  ),
  suspects: gauge('tidemill_queue_suspects', ['queue'], 'Jobs in the suspects queue.'),
  waiting: gauge(
    'tidemill_queue_waiting',
    ['queue'],
    'Jobs in the retry ladder, not yet due; not yet done, where the broker does not know what is due.',
  ),
  dead: gauge('tidemill_queue_dead', ['queue'], 'Dead letters.'),
  consumers: gauge('tidemill_queue_consumers', ['queue'], 'Workers that consume from the queue.'),
  published: counter(
    'tidemill_queue_published_total',
    ['queue'],
    'Jobs published since the broker began to count; needs `managementUrl` where that can be set.',
  ),
  partitions: gauge(
    'tidemill_queue_partition_ready',
    ['queue', 'partition'],
    'What is ready in each partition, where the queue has such.',
  ),
  readAt: gauge('tidemill_queue_read_timestamp_seconds', ['queue'], 'When the figures were read.'),
  errors: counter('tidemill_queue_read_errors_total', ['queue'], 'Readings that failed.'),
} as const satisfies Record<string, Metric>

function counter(name: Metric['name'], labels: readonly string[], sentence: string): Metric {
  return { name, type: 'counter', labels, sentence }
}

function gauge(name: Metric['name'], labels: readonly string[], sentence: string): Metric {
  return { name, type: 'gauge', labels, sentence }
}

function histogram(
  name: Metric['name'],
  labels: readonly string[],
  buckets: readonly number[],
  sentence: string,
): Metric & { readonly buckets: readonly number[] } {
  return { name, type: 'histogram', labels, sentence, buckets }
}
