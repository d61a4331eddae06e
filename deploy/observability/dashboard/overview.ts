import { graph, type PanelMaker, stat, table } from './panels.ts'
import { failingPart, QUEUE, quantile, queueGauge, rate } from './selectors.ts'

const READY = queueGauge('tidemill_queue_ready')
const BACKLOG = `${READY} + ${queueGauge('tidemill_queue_suspects')}`
/**
 * What is less than a minute's work at the present pace is no backlog: then that time, by Little's law. Else the backlog over
 * the speed at which it shrank in the last ten minutes; nothing while it does not shrink.
 */
const EMPTY_IN = `${READY} == 0
or
${READY} / sum(rate(tidemill_jobs_started_total{${QUEUE}}[10m])) < 60
or
${READY} / (-sum(max by (namespace, queue) (deriv(tidemill_queue_ready{${QUEUE}}[10m]))) > 0)`
const DONE = rate('tidemill_jobs_settled_total', `${QUEUE}, type=~"$type", outcome="ack"`)

/** Is it well? Is the backlog draining, and when will it be empty? */
export const overview: readonly PanelMaker[] = [
  stat({
    title: 'Backlog',
    description:
      'Jobs that wait for a worker, suspects of a crash loop included; on Kafka, those in work too. From `tidemill exporter`: a dash means that nobody reads it.',
    unit: 'n',
    width: 3,
    expression: BACKLOG,
  }),
  stat({
    title: 'Empty in',
    description:
      'When the backlog will be gone, at the pace of the last ten minutes. Says "not draining" while it grows or stands.',
    unit: 'seconds',
    width: 3,
    expression: EMPTY_IN,
    none: 'not draining',
  }),
  stat({
    title: 'Queue wait, p95',
    description:
      '95 of 100 jobs begun now had waited less than this since they were enqueued. Empty while none begins, and where producers do not say when.',
    unit: 'seconds',
    width: 3,
    // Not a number while none is begun.
    expression: `${quantile(0.95, 'tidemill_job_queue_wait_seconds')} >= 0`,
    none: 'none begun',
    alarms: { yellow: 60, red: 300 },
  }),
  stat({
    title: 'Done',
    description: 'Jobs acknowledged after their work, a second.',
    unit: 'jobsPerSecond',
    width: 3,
    expression: `sum(${DONE})`,
  }),
  stat({
    title: 'Failing',
    description:
      'The part of the tries that failed, for now (retried) or for good (dead-lettered). A handler that asked to be called later has not failed.',
    unit: 'part',
    width: 3,
    expression: failingPart(),
    none: 'none ended',
    alarms: { yellow: 0.02, red: 0.1 },
  }),
  stat({
    title: 'Dead letters',
    description: 'What lies in the dead-letter queue and waits for a person. The row Jobs says why they died.',
    unit: 'n',
    width: 3,
    expression: queueGauge('tidemill_queue_dead'),
    alarms: { yellow: 1 },
  }),
  stat({
    title: 'Workers',
    description: 'Workers that run and are not draining. 0 is well while the backlog is 0.',
    unit: 'n',
    width: 3,
    expression: `sum(tidemill_worker_state{${QUEUE}, state="running"})`,
    none: '0',
  }),
  stat({
    title: 'Alerts',
    description:
      'Alerts of tidemill that fire now; the table below names them. Needs the rules to be loaded in this Prometheus.',
    unit: 'n',
    width: 3,
    expression: `count(ALERTS{alertname=~"Tidemill.+", alertstate="firing", namespace=~"$namespace", queue=~"$queue|"}) or vector(0)`,
    alarms: { red: 1 },
  }),
  graph({
    title: 'Where the jobs are',
    description:
      'Ready: waiting for a worker. In work: delivered, not settled (RabbitMQ with the management API; on Kafka they are among the ready). Put off: in the retry ladder, not yet due. Suspects: run alone, because they may kill their worker.',
    unit: 'n',
    width: 12,
    stacked: true,
    queries: [
      ['ready', READY],
      ['in work', queueGauge('tidemill_queue_unacknowledged')],
      ['put off', queueGauge('tidemill_queue_waiting')],
      ['suspects', queueGauge('tidemill_queue_suspects')],
    ],
  }),
  graph({
    title: 'In and out',
    description:
      'While more comes in than is done, the backlog grows. Retries are begun again, but come in once only. On RabbitMQ, "in" needs the management API.',
    unit: 'jobsPerSecond',
    width: 12,
    queries: [
      ['in', `sum(max by (namespace, queue) (${rate('tidemill_queue_published_total', QUEUE)}))`],
      ['begun', `sum(${rate('tidemill_jobs_started_total')})`],
      ['done', `sum(${DONE})`],
      ['failed for good', `sum(${rate('tidemill_jobs_dead_total')})`],
    ],
  }),
  table({
    title: 'Alerts that fire',
    description: 'Each has an entry in the runbook, linked above, that says what to look at and what to do.',
    unit: 'n',
    width: 12,
    expression: `ALERTS{alertname=~"Tidemill.+", alertstate="firing", namespace=~"$namespace", queue=~"$queue|"}`,
    columns: { severity: 'Severity', alertname: 'Alert', namespace: 'Namespace', queue: 'Queue', pod: 'Pod' },
  }),
  graph({
    title: 'Backlog by queue',
    description: 'Which queue is it? Jobs ready in each.',
    unit: 'n',
    width: 12,
    queries: [['{{namespace}} {{queue}}', `max by (namespace, queue) (tidemill_queue_ready{${QUEUE}})`]],
  }),
]
