import type { Call, Command } from '../bin/command.ts'
import { helpOf } from '../bin/help.ts'
import { parseCall } from '../bin/parse.ts'
import { report } from '../bin/report.ts'

/** A script of package.json that takes options, and is no command of tidemill. */
export interface Script extends Pick<Command, 'usage' | 'help' | 'flags' | 'arguments'> {
  /** As package.json has it. */
  readonly name: string
}

/**
 * Reads what a script was called with. `--help`, and a faulty call, also one at which `read` throws `USAGE`, are answered as
 * tidemill's own commands answer them, and end the process: with 0, and with 2.
 */
export function readCall<T>(script: Script, read: (call: Call) => T): T {
  const { name } = script
  const args = process.argv.slice(2)
  const command = { ...script, shownSettings: [], takesSettings: false } as const
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(helpOf(`npm run ${name} --`, command))
    process.exit(0)
  }
  try {
    return read(parseCall(command, args, process.env))
  } catch (error) {
    process.exit(
      report({ name, help: `npm run ${name} -- --help` }, error, 'json' in script.flags && args.includes('--json')),
    )
  }
}
