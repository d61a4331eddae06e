import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { messageOf } from '../../worker/errors.ts'
import { run } from './command.ts'
import type { NoWay, WayOptions } from './contracts.ts'
import { isAlive } from './leftovers.ts'

const POM = join(import.meta.dirname, 'kafka-pom.xml')
const FETCH_TIMEOUT_MS = 600_000
/** Lists the files and their sizes. Written when all are there. */
const COMPLETE = 'complete.json'

/** The folder for the jars of the pom's Kafka. Another pom is another folder. */
export function jarsFolder(env: NodeJS.ProcessEnv): string {
  const pom = readFileSync(POM, 'utf8')
  const version = /<kafka\.version>([^<]+)</.exec(pom)?.[1] ?? ''
  const hash = createHash('sha256').update(pom).digest('hex').slice(0, 8)
  const cache = env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache')
  return join(cache, 'tidemill', `kafka-${version}-${hash}`)
}

/** Whether the jars are there, all of them and whole: a fetch may have been interrupted, and a cache may be tidied up. */
export function areJarsWhole(folder: string): boolean {
  try {
    const sizes: Record<string, number> = JSON.parse(readFileSync(join(folder, COMPLETE), 'utf8'))
    return Object.entries(sizes).every(([name, size]) => statSync(join(folder, name)).size === size)
  } catch {
    return false
  }
}

/** Fetches the jars from Maven Central into the folder. Resolves to undefined when they are there. */
export async function fetchJars(folder: string, mvn: string, { env, log }: WayOptions): Promise<NoWay | undefined> {
  const unfinished = `${folder}.${process.pid}`
  const goal = 'dependency:copy-dependencies'
  log(`mvn ${goal}: Apache Kafka from Maven Central, 50 MB, to ${folder}`)
  try {
    removeUnfinished(folder)
    mkdirSync(unfinished, { recursive: true })
    const args = ['--batch-mode', '--quiet', '--strict-checksums', '--file', POM, goal]
    const goes = [`-DoutputDirectory=${unfinished}`, '-DincludeScope=runtime', '-Dmdep.overWriteSnapshots=true']
    const result = await run(mvn, [...args, ...goes], { timeoutMs: FETCH_TIMEOUT_MS, env, cwd: unfinished })
    if (!result.ok) return { refused: `${result.fault} ${firstError(result.stdout)}`.trim() }
    const jars = readdirSync(unfinished)
    const sizes = Object.fromEntries(jars.map((name) => [name, statSync(join(unfinished, name)).size]))
    writeFileSync(join(unfinished, COMPLETE), JSON.stringify(sizes))
    // Another process may have done the same meanwhile: then its folder is as good.
    if (!areJarsWhole(folder)) {
      rmSync(folder, { recursive: true, force: true })
      renameSync(unfinished, folder)
    }
    return undefined
  } catch (error) {
    return { refused: `Apache Kafka can't be kept in ${folder}: ${messageOf(error)}` }
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

/** Maven tells what went wrong on stdout. */
function firstError(output: string): string {
  return /\[ERROR\] (.*)/.exec(output)?.[1]?.slice(0, 300) ?? ''
}

/** Removes what fetches left that were killed. */
function removeUnfinished(folder: string): void {
  const parent = dirname(folder)
  if (!existsSync(parent)) return
  for (const name of readdirSync(parent)) {
    const pid = /^kafka-.*\.(\d+)$/.exec(name)?.[1]
    // The version ends with a hash: what ends with a dot and a number is unfinished.
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(parent, name), { recursive: true, force: true })
  }
}
