import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { importsOf } from './imports.ts'

/** The order is the order in which they run: what is quick to fail comes first. */
export const GROUPS = ['unit', 'broker', 'faults'] as const
export type Group = (typeof GROUPS)[number]

const STARTS_BROKERS = 'deploy/local/broker.ts'

/** The test files by what they need: nothing (`unit`), a broker, or a broker to themselves while processes die (`faults`). */
export function testGroups(root: string): Map<Group, string[]> {
  const groups = new Map<Group, string[]>(GROUPS.map((group) => [group, []]))
  for (const file of globSync('test/**/*.test.ts', { cwd: root }).sort()) {
    const group = file.startsWith(join('test', 'faults')) ? 'faults' : needsBroker(root, file) ? 'broker' : 'unit'
    groups.get(group)?.push(file)
  }
  return groups
}

/** Whether a file reaches what starts brokers, directly or through others of test/ and deploy/. */
function needsBroker(root: string, file: string, seen = new Set<string>()): boolean {
  if (file === STARTS_BROKERS) return true
  if (seen.has(file)) return false
  seen.add(file)
  return importsOf(readFileSync(join(root, file), 'utf8'))
    .filter((specifier) => specifier.startsWith('.') && specifier.endsWith('.ts'))
    .map((specifier) => relative(root, join(root, dirname(file), specifier)))
    .some(
      (target) => /^(test|deploy)\//.test(target) && existsSync(join(root, target)) && needsBroker(root, target, seen),
    )
}
