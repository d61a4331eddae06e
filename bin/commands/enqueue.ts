import { TidemillError, toError } from '../../worker/errors.ts'
import { createProducer, type EnqueueOptions, type Producer } from '../../worker/producer.ts'
import { type Call, type Command, JSON_FLAG, textOf, wholeOf } from '../command.ts'
import { openPayloads, type PayloadSource, parseJson } from '../payloads.ts'
import { Progress } from '../progress.ts'
import { openForCommand, printJson, settingsOf } from '../setup.ts'

/** Jobs sent and not yet confirmed, at most. */
const WINDOW = 256

/** `tidemill enqueue` */
export const enqueue: Command = {
  usage: 'TYPE JSON --queue NAME | TYPE --from SOURCE --queue NAME [options]',
  help: `Enqueues a job of TYPE with the payload JSON, or many: from a file with one JSON value a line, from stdin (-), or from a
generator of the examples (orders, images). A job counts as enqueued once the broker has confirmed it.

Examples:
  tidemill enqueue order.process '{"orderId":"42"}' --queue orders --id order-42
  tidemill enqueue order.process --from orders.ndjson --queue orders
  tidemill enqueue order.process --count 1000 --from orders --queue orders

Exit codes: 0 all are enqueued, 1 not all of them, 2 a faulty call or configuration.`,
  flags: {
    id: { type: 'string', help: 'The idempotency key of the one job. Default: a random UUID.' },
    key: { type: 'string', help: 'The ordering key: on Kafka, jobs of one key run one after the other.' },
    from: { type: 'string', value: 'SOURCE', help: 'A file, - for stdin, or the name of a generator.' },
    count: { type: 'string', value: 'N', help: 'How many jobs: all of a file by default.' },
    seed: { type: 'string', value: 'N', help: 'The same seed generates the same jobs. Default 1.' },
    json: JSON_FLAG,
  },
  shownSettings: ['brokerUrl', 'queue'],
  arguments: { min: 0, max: 2 },
  async run(call) {
    const jobs = await jobsOf(call)
    const { settings } = await settingsOf(call, undefined)
    const { broker } = await openForCommand(settings)
    if (broker.name === 'memory')
      process.stderr.write('note: a memory broker lives in this process only, and ends with it\n')
    const producer = createProducer({ broker, queue: settings.queue })
    try {
      return await jobs(producer, settings.queue)
    } finally {
      await producer.close()
    }
  },
}

type Send = (producer: Producer, queue: string) => Promise<number>

async function jobsOf(call: Call): Promise<Send> {
  const [type, json] = call.positionals
  const from = textOf(call, 'from')
  const key = textOf(call, 'key')
  const isJson = call.values['json'] === true
  if (from === undefined) {
    if (type === undefined || json === undefined) {
      throw new TidemillError(
        'USAGE',
        `expected TYPE and JSON, or --from, got ${type === undefined ? 'neither' : 'TYPE only'}`,
      )
    }
    if (textOf(call, 'count') !== undefined)
      throw new TidemillError('USAGE', '--count: expected --from beside it, got JSON')
    const payload = parseJson(json, 'JSON')
    return (producer, queue) => sendOne(producer, queue, type, payload, optionsOf(textOf(call, 'id'), key), isJson)
  }
  if (json !== undefined) throw new TidemillError('USAGE', 'expected JSON or --from, got both')
  if (textOf(call, 'id') !== undefined) throw new TidemillError('USAGE', '--id: expected one job, got --from')
  const source = await openPayloads({
    from,
    count: wholeOf(call, 'count'),
    seed: wholeOf(call, 'seed') ?? 1,
    root: process.env['EXAMPLES_ROOT'] ?? 'examples',
  })
  if (source.type !== undefined && type !== undefined && type !== source.type) {
    throw new TidemillError('USAGE', `expected ${source.type}, which ${from} generates, got ${type}`)
  }
  const chosen = type ?? source.type
  if (chosen === undefined) throw new TidemillError('USAGE', 'expected TYPE, got nothing')
  return (producer, queue) => sendMany(producer, queue, chosen, source, key, isJson)
}

async function sendOne(
  producer: Producer,
  queue: string,
  type: string,
  payload: unknown,
  options: EnqueueOptions,
  json: boolean,
): Promise<number> {
  const id = await producer.enqueue(jobOf(type), payload, options)
  if (json) printJson({ ok: true, queue, type, enqueued: 1, id })
  else process.stdout.write(`${id}\n`)
  return 0
}

async function sendMany(
  producer: Producer,
  queue: string,
  type: string,
  source: PayloadSource,
  key: string | undefined,
  json: boolean,
): Promise<number> {
  const job = jobOf(type)
  const progress = new Progress(process.stderr, `${type} enqueued`, source.count)
  let enqueued = 0
  let open = 0
  let error: Error | undefined
  let wake: (() => void) | undefined
  const settled = () => {
    open--
    wake?.()
  }
  const change = () => new Promise<void>((resolve) => (wake = resolve))
  try {
    for await (const { id, payload } of source.payloads()) {
      while (open >= WINDOW) await change()
      if (error !== undefined) break
      open++
      producer
        .enqueue(job, payload, optionsOf(id, key))
        .then(() => {
          enqueued++
          progress.step()
        })
        .catch((thrown) => {
          error ??= toError(thrown)
        })
        .finally(settled)
    }
  } catch (thrown) {
    error ??= toError(thrown)
  }
  while (open > 0) await change()
  progress.end()
  if (json) printJson({ ok: error === undefined, queue, type, enqueued, ...(error && { error: error.message }) })
  if (error !== undefined) process.stderr.write(`tidemill enqueue: stopped after ${enqueued} jobs: ${error.message}\n`)
  return error === undefined ? 0 : 1
}

function jobOf(type: string) {
  return { type, handler() {} }
}

function optionsOf(id: string | undefined, key: string | undefined): EnqueueOptions {
  return { ...(id !== undefined && { id }), ...(key !== undefined && { key }) }
}
