import { existsSync } from 'node:fs'
import type { LoadRequest, PayloadChoice, WorkerChoice } from '../test/load/load-request.ts'
import { TidemillError } from '../worker/errors.ts'
import { type Call, textOf } from './command.ts'
import { openPayloads, parseJson } from './payloads.ts'

/** Stands for the number of the job, from 1. */
const NUMBER = /\{\{n\}\}/g

type Known = Pick<LoadRequest, 'worker' | 'trace' | 'jobs' | 'seed'>

/** What a load enqueues; undefined: what the examples take. @throws TidemillError `USAGE` */
export async function payloadsOf(call: Call, known: Known): Promise<PayloadChoice | undefined> {
  const { worker, trace } = known
  const template = textOf(call, 'payload')
  const from = textOf(call, 'from')
  if (template !== undefined && from !== undefined) {
    throw new TidemillError('USAGE', 'expected --payload or --from, got both')
  }
  const type = textOf(call, 'type') ?? onlyTypeOf(worker)
  if (template !== undefined) {
    const payloadOf = (index: number) => parseJson(template.replace(NUMBER, String(index + 1)), '--payload')
    payloadOf(0)
    return { type: expectType(type), of: payloadOf }
  }
  if (from !== undefined) return listFrom(from, type, known)
  const isTold = typeof trace !== 'string' && trace.every(({ payload }) => payload !== undefined)
  if (isTold) return { type: expectType(type), of: () => undefined }
  if (worker.kind === 'examples') return undefined
  throw new TidemillError('USAGE', 'expected the payload of the jobs: --payload JSON or --from SOURCE, got neither')
}

async function listFrom(from: string, wanted: string | undefined, { jobs, seed }: Known): Promise<PayloadChoice> {
  const isGenerator = from !== '-' && !existsSync(from)
  const root = process.env['EXAMPLES_ROOT'] ?? 'examples'
  const source = await openPayloads({ from, count: isGenerator ? jobs : undefined, seed, root })
  const type = expectType(wanted ?? source.type)
  if (source.type !== undefined && source.type !== type) {
    throw new TidemillError('USAGE', `--type: expected ${source.type}, which ${from} generates, got ${type}`)
  }
  const payloads: unknown[] = []
  for await (const { payload } of source.payloads()) payloads.push(payload)
  if (payloads.length === 0)
    throw new TidemillError('USAGE', `--from: expected one JSON value a line, got none in ${from}`)
  return { type, of: (index) => payloads[index % payloads.length] }
}

function onlyTypeOf(worker: WorkerChoice): string | undefined {
  const jobs = worker.kind === 'file' ? worker.definition.jobs : []
  return jobs.length === 1 ? jobs[0]!.type : undefined
}

function expectType(type: string | undefined): string {
  if (type !== undefined) return type
  throw new TidemillError('USAGE', "--type: expected the jobs' type, got nothing")
}
