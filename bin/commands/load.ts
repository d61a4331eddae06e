import { writeFile } from 'node:fs/promises'
import { hasPassword } from '../../worker/redact.ts'
import { type Command, JSON_FLAG, textOf } from '../command.ts'
import { requestOf } from '../load-request.ts'
import { runTrial } from '../trial.ts'

/** `tidemill load` */
export const load: Command = {
  usage: '[<worker file>] [options]',
  help: `Sends jobs to workers that it starts, kills and replaces, and counts from a ledger and from the broker that none was lost.
The worker is a file as tidemill work takes it, or any command that writes the ledger (--worker); without either, the examples.
The broker is the one of --broker or TIDEMILL_BROKER_URL, else one that is started for the run. Every strike must hit work in
flight: one that hits none is void, does not count, and is tried again.

Examples:
  tidemill load --jobs 5000 --kill 3 --term 3 --json
  tidemill load ./worker.ts --payload '{"orderId":"{{n}}"}' --jobs 2000 --kill 5 --report load.html
  tidemill load --worker 'python3 worker.py' --broker amqp://localhost --type order.process --from orders.ndjson --kill 2

Exit codes: 0 nothing was lost and every expectation was met, 1 something was not, or the load failed, 2 a faulty call.`,
  flags: {
    worker: { type: 'string', value: 'CMD', help: 'A command in place of a worker file; it writes the ledger itself.' },
    broker: {
      type: 'string',
      value: 'BROKER',
      help: 'rabbitmq, kafka, memory, or a URL. Default: TIDEMILL_BROKER_URL, else rabbitmq.',
    },
    queue: { type: 'string', help: "The queue. Default: one of the run's own, which is removed afterwards." },
    type: { type: 'string', help: "The jobs' type. Default: the one that the worker file has." },
    payload: { type: 'string', value: 'JSON', help: 'Every payload; {{n}} in it is the number of the job.' },
    from: {
      type: 'string',
      value: 'SOURCE',
      help: 'Payloads from a file with one JSON value a line, again and again, or from a generator.',
    },
    jobs: { type: 'string', value: 'N', help: 'How many jobs. Default 1,000; of a trace file: all of it.' },
    trace: {
      type: 'string',
      value: 'TRACE',
      help: 'steady (default), burst, ramp, or a file with the ms of one job a line.',
    },
    rate: { type: 'string', value: 'R', help: 'Jobs a second, on average. Default 100.' },
    workers: { type: 'string', value: 'N', help: 'How many workers at a time. Default 3.' },
    kill: { type: 'string', value: 'N', help: 'SIGKILL so many workers at work, each with a successor.' },
    term: { type: 'string', value: 'N', help: 'SIGTERM so many workers at work, each with a successor.' },
    'restart-broker': { type: 'string', value: 'N', help: 'Restart the broker so often.' },
    'restart-with': {
      type: 'string',
      value: 'CMD',
      help: 'Shell command that restarts a broker which tidemill did not start.',
    },
    cut: { type: 'string', value: 'N', help: "Cut all of the workers' connections so often." },
    poison: {
      type: 'string',
      value: 'N',
      help: 'Make so many jobs unreadable; they must be dead-lettered, and no others.',
    },
    keys: {
      type: 'string',
      value: 'N',
      help: 'Give the jobs so many ordering keys. Default 200 where the broker keeps order, else 0.',
    },
    'duplicates-limit': {
      type: 'string',
      value: 'N',
      help: 'How many jobs may be done more than once. Default: any number.',
    },
    ledger: { type: 'string', value: 'DIR', help: 'Where the ledger goes. Default: a temporary folder; it stays.' },
    report: { type: 'string', value: 'FILE', help: 'Write a report with plots, one HTML file.' },
    seed: { type: 'string', value: 'N', help: 'The same seed makes the same jobs, times and strikes. Default 1.' },
    'no-install': { type: 'boolean', help: 'Do not install a broker where it is missing.' },
    json: JSON_FLAG,
  },
  shownSettings: [],
  takesSettings: false,
  arguments: { min: 0, max: 1 },
  run(call) {
    return runTrial(call, async (signal) => {
      const request = await requestOf(call, signal)
      const named = textOf(call, 'broker') ?? ''
      if (hasPassword(named) && !named.includes('//guest:guest@')) {
        process.stderr.write(
          'note: everybody on this machine can read this password; TIDEMILL_BROKER_URL keeps it to yourself\n',
        )
      }
      const { executeLoad } = await import('../../test/load/load-run.ts')
      const { summaryOf } = await import('../../test/load/load-report.ts')
      const report = await executeLoad(request)
      const lines = summaryOf(report)
      const page = textOf(call, 'report')
      if (page === undefined) return { lines, report }
      const { renderReport } = await import('../../test/load/report-page.ts')
      await writeFile(page, await renderReport(report, request))
      return { lines: lines.toSpliced(-1, 0, `The report: ${page}`), report: { ...report, report: page } }
    })
  },
}
