#!/usr/bin/env node
import { messageOf, TidemillError } from '../worker/errors.ts'
import { redactUrls } from '../worker/redact.ts'
import { didYouMean, suggest } from '../worker/suggest.ts'
import { VERSION } from '../worker/version.ts'
import type { Command } from './command.ts'
import { columns, helpOf } from './help.ts'
import { parseCall } from './parse.ts'

interface Entry {
  readonly summary: string
  /** Imports the command, only when it is called. */
  load(): Promise<Command>
}

const COMMANDS: Readonly<Record<string, Entry>> = {
  work: {
    summary: 'Run a worker: pull jobs, run them, settle them; drain on SIGTERM.',
    load: async () => (await import('./commands/work.ts')).work,
  },
  topology: {
    summary: 'Set up, check or show what a queue needs on the broker.',
    load: async () => (await import('./commands/topology.ts')).topology,
  },
  enqueue: {
    summary: 'Enqueue one job, or many from a file or a generator.',
    load: async () => (await import('./commands/enqueue.ts')).enqueue,
  },
  exporter: {
    summary: "Serve a queue's backlog as metrics; one replica per queue.",
    load: async () => (await import('./commands/exporter.ts')).exporter,
  },
  demo: {
    summary: 'See it at work: a real broker, real workers, a SIGTERM in the middle, every job counted.',
    load: async () => (await import('./commands/demo.ts')).demo,
  },
  config: {
    summary: 'Show every setting in force, and where its value comes from.',
    load: async () => (await import('./commands/config.ts')).config,
  },
}

const USAGE_CODES: readonly string[] = ['USAGE', 'CONFIG', 'DEFINITION']

function overview(): string {
  const rows = Object.entries(COMMANDS).map(([name, { summary }]) => [name, summary])
  return `tidemill <command> [options]

A queue worker that acknowledges a job only after its work is done, drains on SIGTERM, and rests at zero replicas.

Commands:
${columns(rows)}
Options:
  --help     Show this, or the help of a command.
  --version  Show the version.
`
}

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === '--version' || name === '-v') return print(`${VERSION}\n`)
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const wanted = COMMANDS[rest[0] ?? '']
    if (wanted !== undefined) return print(helpOf(rest[0]!, await wanted.load()))
    return name === undefined ? fail(overview()) : print(overview())
  }
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (entry === undefined) {
    const near = suggest(name, Object.keys(COMMANDS))
    return fail(`tidemill: expected a command, got ${JSON.stringify(name)}${didYouMean(near)}\n\n${overview()}`)
  }
  const command = await entry.load()
  if (rest.includes('--help') || rest.includes('-h')) return print(helpOf(name, command))
  try {
    return await command.run(parseCall(command, rest, process.env))
  } catch (error) {
    return report(name, error)
  }
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

function fail(text: string): number {
  process.stderr.write(text)
  return 2
}

/** Says what went wrong: the sentence of an error that we know, all of one that we don't. */
function report(name: string, error: unknown): number {
  const known = error instanceof TidemillError
  const foreign = known && error.code === 'DEFINITION' && error.cause instanceof Error ? `\n${error.cause.stack}` : ''
  const text = known
    ? `${messageOf(error)}${foreign}`
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error)
  process.stderr.write(`${redactUrls(`tidemill ${name}: ${text}`)}\n`)
  if (!known || !USAGE_CODES.includes(error.code)) return 1
  if (error.code === 'USAGE') process.stderr.write(`See: tidemill ${name} --help\n`)
  return 2
}

// A handler that ignores its abort, or a connection that hangs, must not keep the process.
process.exit(await main(process.argv.slice(2)))
