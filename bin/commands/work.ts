import type { WorkerDefinition } from '../../worker/define.ts'
import { TidemillError } from '../../worker/errors.ts'
import { runWorker } from '../../worker/main.ts'
import { flagName } from '../../worker/settings-table.ts'
import { listenForSignals } from '../../worker/signals.ts'
import { type Call, type Command, textOf } from '../command.ts'
import { loadWorkerFile } from '../worker-file.ts'

const IDLE_TIMEOUT_MS = 30_000

/** `tidemill work <file>` */
export const work: Command = {
  usage: '<file> [options]',
  help: `Runs the worker that <file> (.ts, .mjs or .js) exports by default, made with defineWorker. Logs JSON lines to stdout,
serves probes and metrics on --http-port. SIGTERM or SIGINT drains it, a second signal aborts what still runs.

With --once it takes one job and ends, as the jobs of a KEDA ScaledJob do: no other job is fetched and given back. It ends
with 0 as well when none comes within --idle-timeout-ms.

Exit codes: 0 drained, 1 a fatal error, 2 a faulty configuration, 75 jobs given back unfinished at the deadline.`,
  flags: {
    once: { type: 'boolean', help: 'Take one job, then end.' },
    'idle-timeout-ms': {
      type: 'string',
      value: 'MS',
      help: `With --once: how long to wait for a job. Default ${IDLE_TIMEOUT_MS}.`,
    },
  },
  shownSettings: ['brokerUrl', 'queue', 'concurrency', 'readAhead', 'drainTimeoutMs', 'httpPort', 'logLevel'],
  arguments: { min: 1, max: 1 },
  async run(call) {
    const { positionals, settings } = call
    const oneJobWithinMs = oneJobOf(call)
    // Before the file is loaded, which may take long: as process 1 of a container, a signal without a listener is ignored.
    const signals = listenForSignals()
    return runWorker(await recordedIfAsked(await loadWorkerFile(positionals[0]!)), {
      flags: settings,
      signals,
      oneJobWithinMs,
    })
  },
}

/** How long to wait for the one job, in ms; undefined where there are to be many. */
function oneJobOf(call: Call): number | undefined {
  const text = textOf(call, 'idle-timeout-ms')
  if (call.values['once'] !== true) {
    if (text !== undefined) throw new TidemillError('USAGE', '--idle-timeout-ms: expected --once beside it, got none')
    return undefined
  }
  for (const name of ['concurrency', 'readAhead'] as const) {
    if (call.settings[name] !== undefined) {
      throw new TidemillError(
        'USAGE',
        `--${flagName(name)}: expected nothing beside --once, which takes one job, got ${call.settings[name]}`,
      )
    }
  }
  if (text === undefined) return IDLE_TIMEOUT_MS
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new TidemillError(
    'USAGE',
    `--idle-timeout-ms: expected a whole number of 1 or more, got ${JSON.stringify(text)}`,
  )
}

/** Under `tidemill load` every job is written into a ledger. */
async function recordedIfAsked(definition: WorkerDefinition): Promise<WorkerDefinition> {
  const folder = process.env['TIDEMILL_LEDGER']
  if (!folder) return definition
  const { recorded } = await import('../../test/load/recorded.ts')
  return recorded(definition, folder)
}
