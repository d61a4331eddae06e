import { type AlertCase, POD, QUEUE, THE_QUEUE } from './alert-case.ts'

const TYPE = `${POD},type="order"`
const retried = (reason: string) => `tidemill_jobs_retried_total{${TYPE},reason="${reason}"}`
const dead = (reason: string) => `tidemill_jobs_dead_total{${TYPE},reason="${reason}"}`
const settled = (outcome: string) => `tidemill_jobs_settled_total{${TYPE},outcome="${outcome}"}`

/** Counters that do not move, where a story has no others. */
const NONE = { [dead('permanent')]: '0x90', [settled('ack')]: '0x90', [settled('retry')]: '0x90' }

export const jobCases: readonly AlertCase[] = [
  {
    alert: 'TidemillJobsFailing',
    title: 'one try in five fails, now and for an hour, and drains give many back',
    series: {
      ...NONE,
      [settled('ack')]: '0+4x90',
      [settled('retry')]: '0+1x90',
      [settled('release')]: '0+90x90',
      [retried('error')]: '0+1x90',
    },
    at: '80m',
    fires: {
      labels: THE_QUEUE,
      description:
        '20% of the tries of orders in shop failed in the last five minutes, and more than 10 % in the last hour.',
    },
  },
  {
    alert: 'TidemillJobsFailing',
    title: 'one in twenty fails',
    series: { ...NONE, [settled('ack')]: '0+95x90', [settled('retry')]: '0+5x90', [retried('timeout')]: '0+5x90' },
    at: '80m',
  },
  {
    alert: 'TidemillJobsFailing',
    title: 'they failed half an hour ago, and now ask to be called later',
    series: {
      ...NONE,
      [settled('ack')]: '0+8x90',
      [settled('retry')]: '0+8x90',
      [retried('error')]: '0+8x50 400x40',
      [retried('retry-later')]: '0x50 0+8x40',
    },
    at: '80m',
  },
  {
    alert: 'TidemillJobsFailing',
    title: 'they asked to be called later half an hour ago, and now fail, for five minutes',
    series: {
      ...NONE,
      [settled('ack')]: '0+8x90',
      [settled('retry')]: '0+8x90',
      [retried('error')]: '0x75 0+8x15',
      [retried('retry-later')]: '0+8x75 600x15',
    },
    at: '80m',
  },
  {
    alert: 'TidemillJobsFailing',
    title: 'eight failed in an hour, among many that asked to be called later',
    series: {
      ...NONE,
      [settled('retry')]: '0x20 0+0.5x70',
      [retried('error')]: '0x20 0+0.14x70',
      [retried('retry-later')]: '0x20 0+0.36x70',
    },
    at: '80m',
  },
  {
    alert: 'TidemillJobsFailing',
    title: 'all fail, for a minute',
    series: { ...NONE, [settled('retry')]: '0x60 0+50x30', [retried('error')]: '0x60 0+50x30' },
    at: '62m',
  },
  {
    alert: 'TidemillJobsFailingSlowly',
    title: 'one try in twenty-five dies, for hours',
    series: {
      [settled('ack')]: '0+96x200',
      [settled('dead')]: '0+4x200',
      [retried('error')]: '0x200',
      [dead('invalid-payload')]: '0+4x200',
    },
    at: '3h',
    fires: {
      labels: THE_QUEUE,
      description:
        '4% of the tries of orders in shop failed in the last half hour, and more than 2 % in the last six hours.',
    },
  },
  {
    alert: 'TidemillJobsFailingSlowly',
    title: 'one in ten fails, for 25 minutes of three hours',
    series: {
      [settled('ack')]: '0+90x200',
      [settled('retry')]: '0x155 0+10x45',
      [retried('error')]: '0x155 0+10x45',
      [dead('permanent')]: '0x200',
    },
    at: '3h',
  },
  {
    alert: 'TidemillJobsFailingSlowly',
    title: 'the first jobs in hours fail, for ten minutes',
    series: {
      [settled('ack')]: '0x170 0+90x30',
      [settled('retry')]: '0x170 0+10x30',
      [retried('error')]: '0x170 0+10x30',
      [dead('permanent')]: '0x200',
    },
    at: '3h',
  },
  {
    alert: 'TidemillJobsFailingSlowly',
    title: 'one try in a hundred fails',
    series: {
      [settled('ack')]: '0+99x200',
      [settled('retry')]: '0+1x200',
      [retried('timeout')]: '0+1x200',
      [dead('permanent')]: '0x200',
    },
    at: '3h',
  },
  {
    alert: 'TidemillDeadLetters',
    title: 'the dead-letter queue has three more, and their worker is gone',
    series: { [`tidemill_queue_dead{${QUEUE}}`]: '4x20 7x40' },
    at: '30m',
    fires: { labels: THE_QUEUE, description: '3 jobs of orders in shop were dead-lettered in the last 15 minutes.' },
  },
  {
    alert: 'TidemillDeadLetters',
    title: 'there is no exporter, and a worker counts two',
    series: { [dead('attempts-exhausted')]: '0x20 2x40', [dead('permanent')]: '0x60' },
    at: '30m',
    fires: { labels: THE_QUEUE, description: '2 jobs of orders in shop were dead-lettered in the last 15 minutes.' },
  },
  {
    alert: 'TidemillDeadLetters',
    title: 'old dead letters lie there',
    series: { [`tidemill_queue_dead{${QUEUE}}`]: '7x60', [dead('permanent')]: '7x60' },
    at: '50m',
  },
  {
    alert: 'TidemillOffsetsReset',
    title: 'the retention was shorter than the outage',
    series: { [`tidemill_offset_resets_total{${POD}}`]: '0x20 2x60' },
    at: '50m',
    fires: {
      labels: THE_QUEUE,
      description:
        '2 partitions of orders in shop began anew in the last hour, because the broker no longer had what came next.',
    },
  },
  {
    alert: 'TidemillOffsetsReset',
    title: 'it happened hours ago',
    series: { [`tidemill_offset_resets_total{${POD}}`]: '2x150' },
    at: '2h',
  },
  {
    alert: 'TidemillJobsHeld',
    title: 'the dead-letter queue is full',
    series: { [`tidemill_jobs_held{${POD}}`]: '0x5 4x30' },
    at: '20m',
    fires: {
      labels: THE_QUEUE,
      description:
        '4 jobs of orders in shop are held unsettled, and their workers pull no more, because the broker does not take their retry or dead letter.',
    },
  },
  {
    alert: 'TidemillJobsHeld',
    title: 'the broker restarts, for three minutes',
    series: { [`tidemill_jobs_held{${POD}}`]: '0x5 4x30' },
    at: '9m',
  },
  {
    alert: 'TidemillHandlersStuck',
    title: 'two handlers never come back',
    series: { [`tidemill_jobs_stuck{${POD}}`]: '0x5 2x30' },
    at: '20m',
    fires: {
      labels: { ...THE_QUEUE, pod: 'worker-7d9f8b6c5-abcde' },
      description:
        '2 handlers in worker-7d9f8b6c5-abcde (queue orders) have run on for ten minutes after their timeout.',
    },
  },
  {
    alert: 'TidemillHandlersStuck',
    title: 'one has not come back for five minutes',
    series: { [`tidemill_jobs_stuck{${POD}}`]: '0x5 1x30' },
    at: '11m',
  },
  {
    alert: 'TidemillCrashSuspects',
    title: 'a job was put aside',
    series: { [`tidemill_suspects_total{${POD},action="moved"}`]: '0x40 1x40' },
    at: '50m',
    fires: {
      labels: THE_QUEUE,
      description:
        '1 jobs of orders in shop came again and again without having been settled, and were put aside to run alone.',
    },
  },
  {
    alert: 'TidemillCrashSuspects',
    title: 'none was moved lately, and old ones are run',
    series: {
      [`tidemill_suspects_total{${POD},action="moved"}`]: '3x80',
      [`tidemill_suspects_total{${POD},action="running"}`]: '0x40 3x40',
    },
    at: '50m',
  },
]
