import { parseCall } from '../../../bin/parse.ts'
import { SERVICES } from '../../../bin/services.ts'
import { TidemillError } from '../../../worker/errors.ts'
import type { Container } from './manifest.ts'

/** The commands that the image has. */
const COMMANDS = new Map(
  await Promise.all(Object.entries(SERVICES).map(async ([name, entry]) => [name, await entry.load()] as const)),
)

/** What the command itself would have against a container's arguments. */
export function argumentFaults(container: Container): string[] {
  const [name = '', ...args] = (container['args'] ?? []) as readonly string[]
  const command = COMMANDS.get(name)
  if (command === undefined)
    return [`args: expected one of ${[...COMMANDS.keys()].join(', ')}, got ${name || 'nothing'}`]
  try {
    parseCall(command, args, {})
    return []
  } catch (error) {
    if (error instanceof TidemillError) return error.message.split('\n').map((fault) => `args: ${fault}`)
    throw error
  }
}
