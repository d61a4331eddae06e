import type { WorkerDefinition } from '../../worker/define.ts'
import { runWorker } from '../../worker/main.ts'
import { listenForSignals } from '../../worker/signals.ts'
import type { Command } from '../command.ts'
import { loadWorkerFile } from '../worker-file.ts'

/** `tidemill work <file>` */
export const work: Command = {
  usage: '<file> [options]',
  help: `Runs the worker that <file> (.ts, .mjs or .js) exports by default, made with defineWorker. Logs JSON lines to stdout,
serves probes and metrics on --http-port. SIGTERM or SIGINT drains it, a second signal aborts what still runs.

Exit codes: 0 drained, 1 a fatal error, 2 a faulty configuration, 75 jobs given back unfinished at the deadline.`,
  flags: {},
  shownSettings: ['brokerUrl', 'queue', 'concurrency', 'readAhead', 'drainTimeoutMs', 'httpPort', 'logLevel'],
  arguments: { min: 1, max: 1 },
  async run({ positionals, settings }) {
    // Before the file is loaded, which may take long: as process 1 of a container, a signal without a listener is ignored.
    const signals = listenForSignals()
    return runWorker(await recordedIfAsked(await loadWorkerFile(positionals[0]!)), { flags: settings, signals })
  },
}

/** Under `tidemill load` every job is written into a ledger. */
async function recordedIfAsked(definition: WorkerDefinition): Promise<WorkerDefinition> {
  const folder = process.env['TIDEMILL_LEDGER']
  if (!folder) return definition
  const { recorded } = await import('../../test/load/recorded.ts')
  return recorded(definition, folder)
}
