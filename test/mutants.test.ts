import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { staleOnes } from './mutants/changes.ts'
import { MUTANTS, type Mutant } from './mutants/mutants.ts'

const root = dirname(import.meta.dirname)

function read(file: string): string | undefined {
  const path = join(root, file)
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

test('each mutant fits the sources as they are: what it changes is there exactly once, and so is its test', () => {
  const stale = staleOnes(MUTANTS, read)
  assert.equal(stale.length, 0, `to be written anew in test/mutants/mutants.ts:\n${stale.join('\n')}`)
})

const MUTANT: Mutant = {
  name: 'ack-first',
  file: 'pool.ts',
  find: 'begin()',
  replace: 'ack()',
  and: { file: 'slots.ts', find: 'free()', replace: '' },
  test: { file: 'pool.test.ts', name: 'no job is lost' },
  says: /./,
}
const FITTING = { 'pool.ts': 'begin()', 'slots.ts': 'free()', 'pool.test.ts': "test('no job is lost', ...)" }

const stale: [title: string, files: Record<string, string | undefined>, expected: string][] = [
  [
    'whose place is gone',
    { 'pool.ts': 'start()' },
    'ack-first: expected one place in pool.ts that reads "begin()", got 0',
  ],
  [
    'whose place is there twice',
    { 'pool.ts': 'begin()\nbegin()' },
    'ack-first: expected one place in pool.ts that reads "begin()", got 2',
  ],
  [
    'whose second place is gone',
    { 'slots.ts': '' },
    'ack-first: expected one place in slots.ts that reads "free()", got 0',
  ],
  ['whose file is gone', { 'pool.ts': undefined }, 'ack-first: expected the file pool.ts, got none'],
  [
    'whose test is gone',
    { 'pool.test.ts': '' },
    'ack-first: expected a test in pool.test.ts named "no job is lost", got none',
  ],
]

for (const [title, files, expected] of stale) {
  test(`a mutant ${title} is told by its name, the file and what was found`, () => {
    const changed: Record<string, string | undefined> = { ...FITTING, ...files }
    assert.deepEqual(
      staleOnes([MUTANT], (file) => changed[file]),
      [expected],
    )
  })
}

test('a mutant that fits is not told, nor one whose test has a title made from a template', () => {
  const templated = { ...FITTING, 'pool.test.ts': `test(\`no \${kind} is lost\`, ...)` }
  for (const files of [FITTING, templated] as Record<string, string>[]) {
    assert.deepEqual(
      staleOnes([MUTANT], (file) => files[file]),
      [],
    )
  }
})
