import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { missingTables, withTables } from '../.ci/tables.ts'

const README = new URL('../README.md', import.meta.url)

test("the README's tables of settings and metrics are those of the code", () => {
  const text = readFileSync(README, 'utf8')
  assert.deepEqual(missingTables(text), [])
  assert.ok(withTables(text) === text, 'they are not; run: node .ci/readme-tables.ts --write')
})

test('a stale table is replaced, and what is around it stays', () => {
  const text = 'before\n<!-- settings:begin -->\nstale\n<!-- settings:end -->\nafter\n'
  const made = withTables(text)
  assert.match(
    made,
    /^before\n<!-- settings:begin -->\n\| Setting \|[\s\S]*`TIDEMILL_CONCURRENCY`[\s\S]*<!-- settings:end -->\nafter\n$/,
  )
  assert.doesNotMatch(made, /stale/)
  assert.deepEqual(missingTables(made), ['metrics'])
})

test('every link of the README leads to something in the repository', () => {
  const links = [...readFileSync(README, 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path]) => path!)
  assert.ok(links.length >= 11, 'each promise has its proof')
  assert.deepEqual(
    links.filter((path) => !existsSync(new URL(path, README))),
    [],
  )
})
