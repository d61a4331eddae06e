import { graph, heatmap, type PanelMaker } from './panels.ts'
import { failingPart, increase, JOBS, QUEUE, quantile, rate } from './selectors.ts'

/** Are jobs failing, which, and why? Are they slow, or do they wait long? */
export const jobs: readonly PanelMaker[] = [
  graph({
    title: 'What becomes of jobs',
    description:
      'ack: done. retry: tried again later. dead: dead-lettered. release: given back by a drain. lease-lost: the broker had taken it back; it comes again, so its work may be done twice.',
    unit: 'jobsPerSecond',
    width: 8,
    stacked: true,
    colors: { ack: 'green', retry: 'yellow', dead: 'red', release: 'blue', 'lease-lost': 'purple' },
    queries: [['{{outcome}}', `sum by (outcome) (${rate('tidemill_jobs_settled_total')})`]],
  }),
  graph({
    title: 'Failing, by type',
    description:
      'The part of the tries that failed. One type: its handler or what it calls. All types: something that they share, or the last deploy.',
    unit: 'part',
    width: 8,
    queries: [['{{type}}', failingPart(' by (type)')]],
  }),
  graph({
    title: 'Why they are retried',
    description:
      'error: the handler threw; the log has the error. timeout: it took longer than its limit. unknown-type: no job of this worker has the type (an old worker during a deploy?). retry-later: the handler asked for it.',
    unit: 'jobsPerSecond',
    width: 8,
    stacked: true,
    queries: [['{{reason}}', `sum by (reason) (${rate('tidemill_jobs_retried_total')})`]],
  }),
  graph({
    title: 'Why they die',
    description:
      'Dead letters an interval. attempts-exhausted: every try failed. permanent: the handler said so. invalid-payload, unknown-type, missing-id: the producer. crash-loop: the job killed its worker, again and again.',
    unit: 'n',
    width: 8,
    bars: true,
    stacked: true,
    queries: [['{{type}}: {{reason}}', `sum by (type, reason) (${increase('tidemill_jobs_dead_total')}) > 0`]],
  }),
  graph({
    title: 'Time at work, p95 by type',
    description:
      'From begin to outcome. A rise with every type at once is what they share: a database, the CPU (row Saturation).',
    unit: 'seconds',
    width: 8,
    queries: [['{{type}}', quantile(0.95, 'tidemill_job_duration_seconds', JOBS, ['type'])]],
  }),
  heatmap({
    title: 'Time at work',
    description: 'How many jobs took how long. Two bands are two kinds of jobs, or a cache that misses.',
    unit: 'seconds',
    width: 8,
    expression: `sum by (le) (${increase('tidemill_job_duration_seconds_bucket')})`,
  }),
  graph({
    title: 'Time in the queue',
    description:
      'From enqueueing to the first begin, for jobs begun now, where the producer says when. This is what autoscaling is for.',
    unit: 'seconds',
    width: 8,
    queries: [0.5, 0.95, 0.99].map((q) => [`p${q * 100}`, quantile(q, 'tidemill_job_queue_wait_seconds')]),
  }),
  graph({
    title: 'Tries of a job',
    description: 'How often jobs were begun until they were done or dead. A mean above 1.1 is work done for nothing.',
    unit: 'n',
    width: 8,
    queries: [
      [
        'mean',
        `sum(${rate('tidemill_job_attempts_sum', QUEUE)}) / (sum(${rate('tidemill_job_attempts_count', QUEUE)}) > 0)`,
      ],
      ['p99', quantile(0.99, 'tidemill_job_attempts', QUEUE)],
    ],
  }),
  graph({
    title: 'Put off, come again, without id',
    description:
      'deferred: too many of the type were running (maxConcurrent). redelivered: the broker had delivered it before, as after a kill. late: settled after the broker had taken it back. id derived: the producer sent none, so equal jobs share one.',
    unit: 'jobsPerSecond',
    width: 8,
    queries: [
      ['deferred', `sum(${rate('tidemill_jobs_deferred_total')})`],
      ['redelivered', `sum(${rate('tidemill_jobs_redelivered_total', QUEUE)})`],
      ['late', `sum(${rate('tidemill_settlements_late_total', QUEUE)})`],
      ['id derived', `sum(${rate('tidemill_ids_derived_total', QUEUE)})`],
    ],
  }),
]
