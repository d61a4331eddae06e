import type { Topology, TopologyItem } from '../../worker/contracts.ts'
import { TidemillError } from '../../worker/errors.ts'
import { didYouMean, suggest } from '../../worker/suggest.ts'
import { type Command, JSON_FLAG } from '../command.ts'
import { columns } from '../help.ts'
import { openForCommand, printJson, settingsOf } from '../setup.ts'

const ACTIONS = ['apply', 'verify', 'print'] as const
type Action = (typeof ACTIONS)[number]

/** `tidemill topology apply|verify|print` */
export const topology: Command = {
  usage: 'apply|verify|print <file> | --queue NAME [options]',
  help: `Sets up on the broker what a queue needs besides itself (apply), checks that it is there as it should be (verify),
or shows it without touching anything (print; what Kafka would get with --broker kafka). The worker itself only verifies:
it runs without the right to configure.

The retry ladder belongs to the topology: give the worker's file, or the same --retry-ladder-ms as the worker has. On Kafka a
retry topic has one partition for four of the work topic's, dead letters have one; partitions are added when more are asked for.
Exit codes: 0 all is there, 1 it is not or the broker can't be reached, 2 a faulty call or configuration.`,
  flags: { json: JSON_FLAG },
  shownSettings: [
    'brokerUrl',
    'queue',
    'retryLadderMs',
    'deliveryLimit',
    'deadMaxLength',
    'topicPartitions',
    'replicationFactor',
  ],
  arguments: { min: 1, max: 2 },
  async run(call) {
    const [word = '', file] = call.positionals
    const action = ACTIONS.find((known) => known === word)
    if (action === undefined) {
      const near = didYouMean(suggest(word, ACTIONS))
      throw new TidemillError('USAGE', `expected apply, verify or print, got ${JSON.stringify(word)}${near}`)
    }
    // Nothing is asked of a broker: any of its kind would get the same.
    const fallback = action === 'print' ? { brokerUrl: 'amqp://localhost:5672' } : {}
    const { settings } = await settingsOf(call, file, { fallback })
    const { broker } = await openForCommand(settings)
    const opened = broker.topology()
    try {
      return await RUNS[action](opened, settings.queue, call.values['json'] === true)
    } finally {
      await opened.close()
    }
  },
}

const RUNS: Readonly<Record<Action, (opened: Topology, queue: string, json: boolean) => Promise<number>>> = {
  async apply(opened, queue, json) {
    const items = await opened.apply()
    if (json) printJson({ ok: true, queue, items })
    else process.stdout.write(`${table(items)}\n${queue}: all of this is on the broker now\n`)
    return 0
  },
  async print(opened, queue, json) {
    const items = await opened.print()
    if (json) printJson({ ok: true, queue, items })
    else process.stdout.write(table(items))
    return 0
  },
  async verify(opened, queue, json) {
    const faults = await opened.verify()
    if (json) printJson({ ok: faults.length === 0, queue, faults })
    else if (faults.length === 0) process.stdout.write(`${queue}: all is there\n`)
    for (const { kind, name, expected, got } of json ? [] : faults) {
      process.stdout.write(`${kind} ${name}: expected ${expected}, got ${got}\n`)
    }
    if (faults.length > 0) process.stderr.write('To set it up: tidemill topology apply\n')
    return faults.length === 0 ? 0 : 1
  },
}

function table(items: readonly TopologyItem[]): string {
  return columns(
    items.map(({ kind, name, purpose, settings }) => {
      const declared = Object.keys(settings).length === 0 ? '' : JSON.stringify(settings)
      return [kind, name, `${purpose} ${declared}`.trimEnd()]
    }),
  )
}
