import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { missingTables, withTables } from '../.ci/tables.ts'

const ROOT = dirname(import.meta.dirname)
const README = join(ROOT, 'README.md')

test("the README's tables of settings and metrics are those of the code", () => {
  const text = readFileSync(README, 'utf8')
  assert.deepEqual(missingTables(text), [])
  assert.ok(withTables(text) === text, 'they are not; run: npm run generate')
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

test('every link of every README leads to something in the repository', () => {
  const files = globSync('{,!(node_modules)/**/}README.md', { cwd: ROOT }).filter((file) => !file.startsWith('.'))
  assert.ok(files.includes('README.md') && files.includes(join('deploy', 'README.md')), files.join())
  for (const file of files) {
    const links = linksOf(join(ROOT, file))
    if (file === 'README.md') assert.ok(links.length >= 11, 'each promise has its proof')
    const broken = links.filter((link) => !leadsSomewhere(join(ROOT, file), link))
    assert.deepEqual(broken, [], file)
  }
})

/** The places that a text links to, but for those of the web. */
function linksOf(file: string): string[] {
  return Array.from(readFileSync(file, 'utf8').matchAll(/\]\((?!https?:)([^)\s]+)\)/g), ([, link]) => link!)
}

function leadsSomewhere(from: string, link: string): boolean {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? from : join(dirname(from), path)
  if (!existsSync(target)) return false
  return anchor === undefined || anchorsOf(readFileSync(target, 'utf8')).includes(anchor)
}

/** As they are made of headings: lower case, letters, digits and hyphens. */
function anchorsOf(text: string): string[] {
  return Array.from(text.matchAll(/^#+ (.*)$/gm), ([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
}
