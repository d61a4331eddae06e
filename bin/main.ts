import { didYouMean, suggest } from '../worker/suggest.ts'
import { VERSION } from '../worker/version.ts'
import type { Command } from './command.ts'
import { columns, helpOf } from './help.ts'
import { parseCall } from './parse.ts'
import { report } from './report.ts'

/** A command by its name, not yet loaded. */
export interface CommandEntry {
  readonly summary: string
  /** Imports the command, only when it is called. */
  load(): Promise<Command>
}

export type CommandTable = Readonly<Record<string, CommandEntry>>

/** Runs the command that the arguments name, and resolves with the exit code. */
export async function main(commands: CommandTable, args: readonly string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === '--version' || name === '-v') return print(`${VERSION}\n`)
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const wanted = commands[rest[0] ?? '']
    if (wanted !== undefined) return print(helpOf(`tidemill ${rest[0]}`, await wanted.load()))
    return name === undefined ? fail(overview(commands)) : print(overview(commands))
  }
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (entry === undefined) {
    const near = suggest(name, Object.keys(commands))
    return fail(`tidemill: expected a command, got ${JSON.stringify(name)}${didYouMean(near)}\n\n${overview(commands)}`)
  }
  const command = await entry.load()
  if (rest.includes('--help') || rest.includes('-h')) return print(helpOf(`tidemill ${name}`, command))
  try {
    return await command.run(parseCall(command, rest, process.env))
  } catch (error) {
    const program = `tidemill ${name}`
    return report(
      { name: program, help: `${program} --help` },
      error,
      'json' in command.flags && rest.includes('--json'),
    )
  }
}

function overview(commands: CommandTable): string {
  const rows = Object.entries(commands).map(([name, { summary }]) => [name, summary])
  return `tidemill <command> [options]

A queue worker that acknowledges a job only after its work is done, drains on SIGTERM, and rests at zero replicas.

Commands:
${columns(rows)}
Options:
  --help     Show this, or the help of a command.
  --version  Show the version.
`
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

function fail(text: string): number {
  process.stderr.write(text)
  return 2
}
