import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { importsOf } from './imports.ts'

/** The order is the order in which they run: what is quick to fail comes first. */
export const GROUPS = ['unit', 'broker', 'faults', 'docker'] as const
export type Group = (typeof GROUPS)[number]

const STARTS_BROKERS = 'deploy/local/broker.ts'
const STARTS_ENGINES = 'test/helpers/docker/engine.ts'
/** Whoever reaches one of these uses the broker that all share. */
const SHARED = { rabbitmq: 'test/helpers/broker.ts', kafka: 'test/helpers/kafka.ts' } as const
export type SharedProtocol = keyof typeof SHARED

/** The test files by what they need: nothing (`unit`), a broker, a broker to themselves while processes die (`faults`), or a Docker engine. */
export function testGroups(root: string): Map<Group, string[]> {
  const groups = new Map<Group, string[]>(GROUPS.map((group) => [group, []]))
  for (const file of globSync('test/**/*.test.ts', { cwd: root }).sort()) {
    groups.get(groupOf(root, file))?.push(file)
  }
  return groups
}

function groupOf(root: string, file: string): Group {
  if (file.startsWith(join('test', 'faults'))) return 'faults'
  const reached = reachOf(root, file)
  if (reached.has(STARTS_ENGINES)) return 'docker'
  return reached.has(STARTS_BROKERS) ? 'broker' : 'unit'
}

/** Which of the shared brokers these files may ask for. */
export function brokersFor(root: string, files: readonly string[]): SharedProtocol[] {
  const reached = reachOf(root, ...files)
  return (Object.keys(SHARED) as SharedProtocol[]).filter((protocol) => reached.has(SHARED[protocol]))
}

/** The files and all that they import, directly or through others, of test/ and deploy/. */
function reachOf(root: string, ...files: string[]): Set<string> {
  const reached = new Set(files)
  // What is added while it is gone through is gone through as well.
  for (const file of reached) {
    if (!existsSync(join(root, file))) continue
    for (const specifier of importsOf(readFileSync(join(root, file), 'utf8'))) {
      if (!specifier.startsWith('.') || !specifier.endsWith('.ts')) continue
      const target = relative(root, join(root, dirname(file), specifier))
      if (/^(test|deploy)\//.test(target)) reached.add(target)
    }
  }
  return reached
}
