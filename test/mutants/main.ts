// `npm run test:mutants`: see --help.
import { dirname, join } from 'node:path'
import { run } from 'node:test'
import { readCall } from '../../.ci/script.ts'
import { type Call, JSON_FLAG } from '../../bin/command.ts'
import { printJson } from '../../bin/setup.ts'
import { messageOf, TidemillError } from '../../worker/errors.ts'
import { failureOf } from '../helpers/failure.ts'
import { Leftovers } from '../helpers/leftovers.ts'
import { SharedBrokers } from '../helpers/shared-brokers.ts'
import { brokersFor } from '../helpers/test-groups.ts'
import { escaped } from './changes.ts'
import { MUTANTS, type Mutant } from './mutants.ts'
import { Tree } from './tree.ts'

const TEST_TIMEOUT_MS = 180_000

interface Verdict {
  readonly mutant: string
  readonly killed: boolean
  /** The test that failed on it; null when none did. */
  readonly by: string | null
  /** Why it was not killed, or could not be tried. */
  readonly fault?: string
}

/** What a test said: nothing, when it passed. */
interface Trial {
  readonly ran: boolean
  readonly failure: string | undefined
}

const { chosen, isJson } = readCall(
  {
    name: 'test:mutants',
    usage: '[NAME ...] [options]',
    help: `Breaks the code on purpose, one named fault at a time, and sees whether the test for it fails. Without a name: all of them.

Exit codes: 0 every one was noticed, 1 one was not or could not be tried, 2 a faulty call.`,
    flags: { json: JSON_FLAG },
    arguments: { min: 0, max: MUTANTS.length },
  },
  (call) => ({ chosen: chosenOf(call), isJson: call.values['json'] === true }),
)
const root = dirname(dirname(import.meta.dirname))
const leftovers = new Leftovers()
const say = (line: string) => process.stderr.write(`${line}\n`)
const verdicts: Verdict[] = []
const faults: string[] = []
const needed = brokersFor(
  root,
  chosen.map(({ test }) => test.file),
)
const brokers = new SharedBrokers(needed, { log: say })
try {
  await brokers.ready()
  const sound = await soundTests(chosen)
  for (const mutant of chosen) {
    const begun = performance.now()
    const verdict = await judge(mutant, sound)
    const seconds = ((performance.now() - begun) / 1_000).toFixed(1)
    verdicts.push(verdict)
    say(
      `${verdict.killed ? 'killed  ' : 'SURVIVED'} ${mutant.name} (${seconds} s)${verdict.fault === undefined ? '' : `: ${verdict.fault}`}`,
    )
  }
} catch (error) {
  faults.push(messageOf(error))
}
faults.push(...(await brokers.stop()))
faults.push(...(await leftovers.sweep()).map((line) => `left behind: ${line}`))
for (const fault of faults) say(`FAILED ${fault}`)
const ok = faults.length === 0 && verdicts.length === chosen.length && verdicts.every(({ killed }) => killed)
say(`${verdicts.filter(({ killed }) => killed).length} of ${chosen.length} mutants killed`)
if (isJson) printJson({ ok, mutants: verdicts, faults })
process.exitCode = ok ? 0 : 1

function chosenOf({ positionals }: Call): readonly Mutant[] {
  const names = MUTANTS.map(({ name }) => name)
  const strangers = positionals.filter((name) => !names.includes(name))
  if (strangers.length > 0) {
    throw new TidemillError('USAGE', `expected some of ${names.join(', ')}, got ${strangers.join(', ')}`)
  }
  return positionals.length === 0 ? MUTANTS : MUTANTS.filter(({ name }) => positionals.includes(name))
}

/** The tests that pass on the sources as they are, in the same surroundings: only their failure says something about a mutant. */
async function soundTests(mutants: readonly Mutant[]): Promise<Map<string, string | undefined>> {
  const results = new Map<string, string | undefined>()
  const tree = new Tree(root)
  try {
    for (const { test } of mutants) {
      if (results.has(keyOf(test))) continue
      const { ran, failure } = await attempt(tree, test)
      results.set(keyOf(test), ran ? failure : 'there is no test of that name')
    }
  } finally {
    tree.remove()
  }
  return results
}

async function judge(mutant: Mutant, sound: ReadonlyMap<string, string | undefined>): Promise<Verdict> {
  const { name, test, says } = mutant
  const survived = (fault: string): Verdict => ({ mutant: name, killed: false, by: null, fault })
  const unsound = sound.get(keyOf(test))
  if (unsound !== undefined) return survived(`the test fails without it as well: ${unsound}`)
  const tree = new Tree(root)
  try {
    tree.apply(mutant)
    const { ran, failure } = await attempt(tree, test)
    if (!ran) return survived('the test did not even run')
    if (failure === undefined) return survived(`"${test.name}" passed`)
    if (!says.test(failure) || failure.startsWith('no assertion'))
      return survived(`"${test.name}" failed for another reason: ${failure.slice(0, 500)}`)
    return { mutant: name, killed: true, by: keyOf(test) }
  } catch (error) {
    return survived(messageOf(error))
  } finally {
    tree.remove()
  }
}

async function attempt(tree: Tree, test: Mutant['test']): Promise<Trial> {
  let trial: Trial = { ran: false, failure: undefined }
  const stream = run({
    files: [join(tree.folder, test.file)],
    cwd: tree.folder,
    testNamePatterns: [new RegExp(`^${escaped(test.name)}$`)],
    timeout: TEST_TIMEOUT_MS,
  })
  stream.on('test:pass', ({ name }) => {
    if (name === test.name) trial = { ran: true, failure: undefined }
  })
  stream.on('test:fail', ({ name, details }) => {
    // What fails before the test, as a syntax error does, is told under the file's name.
    if (name !== test.name) return
    const { said, isAssertion } = failureOf(details.error)
    trial = { ran: true, failure: `${isAssertion ? '' : 'no assertion: '}${said}` }
  })
  for await (const _ of stream);
  return trial
}

function keyOf({ file, name }: Mutant['test']): string {
  return `${file}: ${name}`
}
