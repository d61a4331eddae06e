// `npm run check`: see --help.
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { JSON_FLAG } from '../bin/command.ts'
import { printJson } from '../bin/setup.ts'
import { readCall } from './script.ts'

interface Check {
  readonly name: string
  run(): Promise<Finished>
}

interface Finished {
  readonly code: number
  readonly output: string
}

function command(...[file, ...args]: [string, ...string[]]): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.on('data', (chunk) => chunks.push(chunk))
    child.stderr.on('data', (chunk) => chunks.push(chunk))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString() }))
  })
}

/** Compiles a user's program against the types that we would publish, with `skipLibCheck` off, as some users have it. */
async function publishedTypes(): Promise<Finished> {
  mkdirSync('.tidemill', { recursive: true })
  // Inside the repository, so that the dependencies' types are found; a folder of its own, so that two runs don't meet.
  const consumer = mkdtempSync(join('.tidemill', 'types-'))
  try {
    const home = join(consumer, 'node_modules', 'tidemill')
    const emitted = await command('tsc', '-p', 'bin/tsconfig.types.json', '--outDir', join(home, 'dist'))
    if (emitted.code !== 0) return emitted
    cpSync('package.json', join(home, 'package.json'))
    const exported = Object.keys(JSON.parse(readFileSync('package.json', 'utf8')).exports)
    const entries = exported.filter((entry) => !entry.endsWith('.json')).map((entry) => join('tidemill', entry))
    const lines = entries.map((entry, index) => `export * as entry${index} from '${entry}'\n`)
    writeFileSync(join(consumer, 'user.ts'), lines.join(''))
    writeFileSync(join(consumer, 'package.json'), '{"type":"module"}')
    const compilerOptions = { target: 'es2024', module: 'nodenext', types: ['node'], strict: true, noEmit: true }
    const project = { compilerOptions: { ...compilerOptions, skipLibCheck: false }, files: ['user.ts'] }
    writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify(project))
    return await command('tsc', '-p', consumer)
  } finally {
    rmSync(consumer, { recursive: true, force: true })
  }
}

const checks: readonly Check[] = [
  { name: 'types', run: () => command('tsc', '--noEmit', '-p', '.') },
  { name: 'published types', run: publishedTypes },
  { name: 'lint and format', run: () => command('biome', 'check', '--error-on-warnings') },
  { name: 'generated files', run: () => command('node', '.ci/generate.ts', '--check') },
  { name: 'dead code', run: () => command('knip', '--no-progress') },
  { name: 'architecture', run: () => command('node', '--test', 'test/architecture.test.ts') },
  { name: 'mutants', run: () => command('node', '--test', 'test/mutants.test.ts') },
]

const isJson = readCall(
  {
    name: 'check',
    usage: '[options]',
    help: `The checks that need no broker: ${checks.map(({ name }) => name).join(', ')}.

Exit codes: 0 all passed, 1 one did not, 2 a faulty call.`,
    flags: { json: JSON_FLAG },
    arguments: { min: 0, max: 0 },
  },
  (call) => call.values['json'] === true,
)
process.chdir(dirname(import.meta.dirname))
const results: { name: string; ok: boolean; ms: number }[] = []
const waiting = [...checks]

async function lane(): Promise<void> {
  for (let check = waiting.shift(); check; check = waiting.shift()) {
    const begun = performance.now()
    const { code, output } = await check.run()
    const ms = Math.round(performance.now() - begun)
    results.push({ name: check.name, ok: code === 0, ms })
    process.stderr.write(`${code === 0 ? 'ok    ' : 'FAILED'} ${check.name} (${ms} ms)\n`)
    if (code !== 0) process.stderr.write(`${withoutPassed(output)}\n\n`)
  }
}

/** The test runner's list of what passed only hides what failed. */
function withoutPassed(output: string): string {
  return output.replace(/^\s*✔ .*\n/gm, '').trimEnd()
}

await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, lane))
const failed = results.filter((result) => !result.ok).map((result) => result.name)
process.stderr.write(failed.length === 0 ? 'all checks passed\n' : `failed: ${failed.join(', ')}\n`)
if (isJson) printJson({ ok: failed.length === 0, checks: results })
process.exitCode = failed.length === 0 ? 0 : 1
