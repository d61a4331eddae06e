import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run } from './command.ts'

const ASK_TIMEOUT_MS = 20_000
/** Where Debian keeps each version; the one on the PATH may be an older one. */
const JVMS = '/usr/lib/jvm'

/** The path of a Java of at least that version: of JAVA_HOME, on the PATH, or among those of Debian. Undefined where there is none. */
export async function findJava(least: number, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const homes = existsSync(JVMS) ? readdirSync(JVMS).map((name) => join(JVMS, name)) : []
  const candidates = [
    ...(env.JAVA_HOME ? [join(env.JAVA_HOME, 'bin', 'java')] : []),
    ...pathsOf('java', env),
    ...homes.map((home) => join(home, 'bin', 'java')),
  ]
  for (const java of candidates.filter((path) => existsSync(path))) {
    // It tells its version on stderr: `openjdk version "17.0.15" 2025-04-15`.
    const { stderr } = await run(java, ['-version'], { timeoutMs: ASK_TIMEOUT_MS, env })
    if (Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0) >= least) return java
  }
  return undefined
}

/** Where a program lies on the PATH, in its order. */
export function pathsOf(name: string, env: NodeJS.ProcessEnv): string[] {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, name)).filter((path) => existsSync(path))
}
