import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'
import { test } from 'node:test'

const ROOT = dirname(import.meta.dirname)

/** The scripts of package.json that take options, by name; each with its program. */
const SCRIPTS = {
  bench: 'test/bench/main.ts',
  check: '.ci/check.ts',
  generate: '.ci/generate.ts',
  observability: 'deploy/observability/main.ts',
  accounts: 'deploy/kubernetes/accounts/main.ts',
  test: 'test/run.ts',
  'test:deploy': 'test/deploy/main.ts',
  'test:mutants': 'test/mutants/main.ts',
} as const
type Name = keyof typeof SCRIPTS

function run(name: Name, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPTS[name], ...args], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  return { code: status, stdout, stderr }
}

for (const name of Object.keys(SCRIPTS) as Name[]) {
  test(`npm run ${name} -- --help shows how it is called, and a flag that it does not know is a faulty call`, () => {
    const help = run(name, '--help')
    assert.deepEqual([help.code, help.stderr], [0, ''])
    assert.match(help.stdout, new RegExp(`^npm run ${name} -- .*\n\n\\S`))
    assert.match(help.stdout, /\nExit codes: 0 .*, 2 /)
    const see = `See: npm run ${name} -- --help\n`
    assert.deepEqual(run(name, '--jsno'), {
      code: 2,
      stdout: '',
      stderr: `${name}: --jsno: expected a known flag, got this one${help.stdout.includes('--json') ? '; did you mean --json?' : ''}\n${see}`,
    })
  })
}

const FAULTY: readonly [name: Name, args: readonly string[], sentence: string | RegExp][] = [
  ['bench', ['--rounds', '0'], '--rounds: expected a whole number of 1 or more, got "0"'],
  ['bench', ['--jobs', '-1'], '--jobs: expected a whole number of 1 or more, got "-1"'],
  ['bench', ['--jobs', 'abc'], '--jobs: expected a whole number of 1 or more, got "abc"'],
  ['bench', ['--broker', 'redis'], '--broker: expected rabbitmq, kafka or the URL of one, got redis'],
  ['bench', ['--only', 'nothing'], /^--only: expected words of "no-op, quorum queue", .*, "start", got "nothing"$/],
  ['bench', ['--broker', 'kafka', '--only', 'start'], /^--only: expected words of .*, "idle", got "start"$/],
  ['test', ['unti'], 'expected some of unit, broker, faults, docker, got unti'],
  ['test:mutants', ['ack-frist'], /^expected some of ack-first, .*, got ack-frist$/],
  ['test:deploy', ['overlays'], 'expected 0 arguments, got 1'],
]

for (const [name, args, sentence] of FAULTY) {
  test(`npm run ${name} -- ${args.join(' ')} says what was expected and what came, to programs too`, () => {
    const { code, stdout, stderr } = run(name, ...args, '--json')
    assert.equal(code, 2)
    const { ok, error } = JSON.parse(stdout)
    assert.equal(ok, false)
    if (typeof sentence === 'string') assert.equal(error, sentence)
    else assert.match(error, sentence)
    assert.equal(stderr, `${name}: ${error}\nSee: npm run ${name} -- --help\n`)
  })
}
