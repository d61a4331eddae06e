import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

/** Sources by their path from the repository's root, with forward slashes. */
export type Sources = ReadonlyMap<string, string>

/** Every `.ts` file below the named folders; declarations of others' modules (`.d.ts`) are left out. */
export function readSources(root: string, folders: readonly string[]): Sources {
  const sources = new Map<string, string>()
  for (const folder of folders) {
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith('.ts') || entry.name.endsWith('.d.ts')) continue
      const file = join(entry.parentPath, entry.name)
      sources.set(file.slice(root.length + 1).replaceAll('\\', '/'), readFileSync(file, 'utf8'))
    }
  }
  return sources
}

/** The formatter puts each of these at the start of a line, which keeps look-alikes in strings out. */
const STATEMENT = /^(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]/gm
const CALL = /\b(?:import|require(?:\.resolve)?)\(\s*['"]([^'"]+)['"]\s*[,)]/g

/** What a source names in its imports, re-exports, `import()` calls and types, in order, each once. */
export function importsOf(source: string): string[] {
  const code = codeOf(source)
  const found = [...code.matchAll(STATEMENT), ...code.matchAll(CALL)]
  return [...new Set(found.map((match) => (match[1] ?? match[2])!))]
}

/** The source without the lines that are comments, so that prose about `process.exit` is not a use of it. */
export function codeOf(source: string): string {
  return source
    .split('\n')
    .filter((line) => !/^\s*(\/\/|\/\*|\*)/.test(line))
    .map((line) => line.replace(/\s\/\/ .*$/, ''))
    .join('\n')
}

/** The file that a relative import names, from the repository's root. */
export function resolveImport(importer: string, specifier: string): string {
  return posix.join(posix.dirname(importer), specifier)
}

/** The package that a bare import names: `a` for `a/b`, `@s/a` for `@s/a/b`. */
export function packageOf(specifier: string): string {
  const [first, second] = specifier.split('/')
  return specifier.startsWith('@') ? `${first}/${second}` : first!
}

/** The import graph: file to files, of the files that are in `sources`. */
export function graphOf(sources: Sources): Map<string, string[]> {
  const graph = new Map<string, string[]>()
  for (const [file, source] of sources) {
    const relative = importsOf(source).filter((specifier) => specifier.startsWith('.'))
    const targets = relative.map((specifier) => resolveImport(file, specifier))
    graph.set(
      file,
      targets.filter((target) => sources.has(target)),
    )
  }
  return graph
}

/** Every import cycle that a depth-first walk meets, each as the files on it, the first repeated at the end. */
export function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = []
  const done = new Set<string>()
  const walk = (file: string, trail: readonly string[]): void => {
    const at = trail.indexOf(file)
    if (at >= 0) cycles.push([...trail.slice(at), file])
    if (at >= 0 || done.has(file)) return
    for (const target of graph.get(file) ?? []) walk(target, [...trail, file])
    done.add(file)
  }
  for (const file of graph.keys()) walk(file, [])
  return cycles
}
