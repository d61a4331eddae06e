// `npm test`: see --help.
import { dirname, join } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { readCall } from '../.ci/script.ts'
import { type Call, JSON_FLAG } from '../bin/command.ts'
import { printJson } from '../bin/setup.ts'
import { messageOf, TidemillError } from '../worker/errors.ts'
import { type Engine, SHARED_ENGINE, startEngine } from './helpers/docker/engine.ts'
import { failureOf } from './helpers/failure.ts'
import { Leftovers } from './helpers/leftovers.ts'
import { SharedBrokers } from './helpers/shared-brokers.ts'
import { brokersFor, GROUPS, type Group, testGroups } from './helpers/test-groups.ts'

const FILE_TIMEOUT_MS = 900_000
/** Two files at once, where most of them wait most of the time: what passes on an idle machine only is of no use. */
const CONCURRENCY: Readonly<Record<Group, number>> = { unit: 2, broker: 2, faults: 2, docker: 1 }
/** How much of what a failed test said stands in the report. */
const WHY_LINES = 12
const WHY_COLUMNS = 300

interface GroupResult {
  readonly group: Group
  readonly files: number
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly ms: number
  readonly failures: readonly string[]
}

const { groups, install, isJson } = readCall(
  {
    name: 'test',
    usage: '[unit] [broker] [faults] [docker] [options]',
    help: `Runs the tests: those that need nothing (unit), those that need a broker, those that break things (faults), and those that need
a Docker engine. Without a group: all of them. Brokers and an engine are started where there are none.

TIDEMILL_NO_DOCKER=1 leaves the group docker out.

Exit codes: 0 all passed and nothing was left behind, 1 not so, 2 a faulty call.`,
    flags: {
      'no-install': { type: 'boolean', help: 'Do not install a broker or an engine where it is missing.' },
      json: JSON_FLAG,
    },
    arguments: { min: 0, max: GROUPS.length },
  },
  (call) => ({
    groups: groupsOf(call),
    install: call.values['no-install'] !== true,
    isJson: call.values['json'] === true,
  }),
)

const root = dirname(import.meta.dirname)
process.chdir(root)
const output = isJson ? process.stderr : process.stdout
const isWithoutDocker = process.env['TIDEMILL_NO_DOCKER'] === '1'
// Workers refuse a variable of theirs that they don't know.
delete process.env['TIDEMILL_NO_DOCKER']
const chosen = groups.filter((group) => group !== 'docker' || !isWithoutDocker)
const files = testGroups(root)
const leftovers = new Leftovers()
const stopping = new AbortController()
let signalled: NodeJS.Signals | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    signalled = signal
    stopping.abort()
  })
}

const begun = performance.now()
const results: GroupResult[] = []
const faults: string[] = []
// They start beside the unit tests, which need none.
const needed = brokersFor(
  root,
  chosen.flatMap((group) => files.get(group) ?? []),
)
const means = { install, log: (line: string) => void process.stderr.write(`${line}\n`) }
const brokers = new SharedBrokers(needed, means)
let engine: Engine | undefined
try {
  for (const group of chosen) {
    if (stopping.signal.aborted) break
    if (group !== 'unit') await brokers.ready()
    if (group === 'docker') engine = await shareEngine()
    results.push(await runGroup(group, files.get(group) ?? []))
  }
} catch (error) {
  faults.push(messageOf(error))
}
await engine?.stop()
faults.push(...(await brokers.stop()))
faults.push(...(await leftovers.sweep()).map((line) => `left behind: ${line}`))
if (signalled !== undefined) faults.push(`stopped by ${signalled}`)
report()

function groupsOf({ positionals }: Call): readonly Group[] {
  const strangers = positionals.filter((name) => !(GROUPS as readonly string[]).includes(name))
  if (strangers.length > 0) {
    throw new TidemillError('USAGE', `expected some of ${GROUPS.join(', ')}, got ${strangers.join(', ')}`)
  }
  return GROUPS.filter((group) => positionals.length === 0 || positionals.includes(group))
}

/** One of our own is told to the test files; one of the machine's they find themselves. */
async function shareEngine(): Promise<Engine> {
  const engine = await startEngine(means)
  if (engine.isPrivate) process.env[SHARED_ENGINE] = engine.env['DOCKER_HOST']
  return engine
}

async function runGroup(group: Group, files: readonly string[]): Promise<GroupResult> {
  const since = performance.now()
  const counts = { passed: 0, failed: 0, skipped: 0 }
  const failures: string[] = []
  if (files.length > 0) {
    output.write(`\n${group} tests (${files.length} files)\n`)
    const stream = run({
      files: files.map((file) => join(root, file)),
      concurrency: CONCURRENCY[group],
      timeout: FILE_TIMEOUT_MS,
      signal: stopping.signal,
    })
    stream.on('test:fail', ({ name, file, details }) => {
      if (details.type !== 'suite')
        failures.push(
          `${file === undefined ? '' : `${file.slice(root.length + 1)}: `}${name}\n${beginOf(failureOf(details.error).said)}`,
        )
    })
    stream.on('test:summary', (summary) => {
      if (summary.file !== undefined) return
      const { tests, passed, skipped, todo } = summary.counts
      counts.passed += passed
      counts.skipped += skipped + todo
      counts.failed += tests - passed - skipped - todo
    })
    for await (const chunk of stream.compose(new spec())) output.write(chunk)
  }
  return { group, files: files.length, ...counts, ms: Math.round(performance.now() - since), failures }
}

/** The begin of what a failed test said: whoever reads only the end of a long output should not have to look for it. */
function beginOf(said: string): string {
  return said
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, WHY_LINES)
    .map((line) => `    ${line.slice(0, WHY_COLUMNS)}`)
    .join('\n')
}

function report(): void {
  const sum = (field: 'passed' | 'failed' | 'skipped') => results.reduce((total, result) => total + result[field], 0)
  const [passed, failed, skipped] = [sum('passed'), sum('failed'), sum('skipped')]
  const ms = Math.round(performance.now() - begun)
  const ok = failed === 0 && faults.length === 0 && passed > 0
  output.write('\n')
  for (const result of results) {
    output.write(
      `${result.group}: ${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped in ${(result.ms / 1000).toFixed(1)} s\n`,
    )
    for (const failure of result.failures) output.write(`  FAILED ${failure}\n`)
  }
  if (isWithoutDocker) output.write('docker: left out, because of TIDEMILL_NO_DOCKER=1\n')
  for (const fault of faults) output.write(`FAILED ${fault}\n`)
  output.write(
    `${ok ? 'ok' : 'FAILED'}: ${passed} tests passed, ${failed} failed, ${skipped} skipped in ${(ms / 1000).toFixed(1)} s\n`,
  )
  if (isJson) printJson({ ok, passed, failed, skipped, ms, groups: results, faults, isWithoutDocker })
  process.exitCode = signalled === 'SIGINT' ? 130 : signalled === 'SIGTERM' ? 143 : ok ? 0 : 1
}
