import { createReadStream, existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { TidemillError } from '../worker/errors.ts'
import { didYouMean, suggest } from '../worker/suggest.ts'

/** A job to enqueue; without an id the producer makes one. */
export interface Payload {
  readonly id?: string
  readonly payload: unknown
}

/** Where many jobs come from. */
export interface PayloadSource {
  /** The type that the source is made for, where it is made for one. */
  readonly type: string | undefined
  /** How many there will be; undefined when nobody can know. */
  readonly count: number | undefined
  payloads(): AsyncIterable<Payload>
}

export interface SourceOptions {
  /** A generator's name, a file with one JSON value a line, or `-` for stdin. */
  readonly from: string
  /** At most so many; a generator makes exactly so many. */
  readonly count: number | undefined
  readonly seed: number
  /** The folder where a generator writes what its jobs work on. */
  readonly root: string
}

const STDIN = '-'

/** Opens a source of jobs. @throws TidemillError `USAGE` when there is none of that name */
export async function openPayloads({ from, count, seed, root }: SourceOptions): Promise<PayloadSource> {
  if (from === STDIN) return { type: undefined, count, payloads: () => lines(process.stdin, 'stdin', count) }
  if (existsSync(from)) return { type: undefined, count, payloads: () => lines(createReadStream(from), from, count) }
  const { generators } = await import('../worker/handlers/generator.ts')
  const names = Object.keys(generators)
  const name = names.find((known) => known === from) as keyof typeof generators | undefined
  if (name === undefined) {
    const known = `a file, - for stdin, or one of the generators ${names.join(', ')}`
    throw new TidemillError(
      'USAGE',
      `--from: expected ${known}, got ${JSON.stringify(from)}${didYouMean(suggest(from, names))}`,
    )
  }
  if (count === undefined) throw new TidemillError('USAGE', '--count: expected how many jobs to generate, got nothing')
  const generator = generators[name]
  return { type: generator.job.type, count, payloads: () => generator.generate({ count, seed, root }) }
}

async function* lines(
  input: NodeJS.ReadableStream,
  name: string,
  count = Number.POSITIVE_INFINITY,
): AsyncGenerator<Payload> {
  let taken = 0
  let number = 0
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number++
    if (taken >= count) return
    if (line.trim() === '') continue
    yield { payload: parseJson(line, `${name}, line ${number}`) }
    taken++
  }
}

/** @throws TidemillError `USAGE` that says where the text is no JSON */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new TidemillError('USAGE', `${where}: expected JSON, got ${(error as Error).message}`, { cause: error })
  }
}
