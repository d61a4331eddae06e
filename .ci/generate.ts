// `npm run generate` makes anew what is made from code: the README's tables, the chart's schema, dashboard and alerts. With --check it
// says which are not as they would be made now.
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { valuesSchema } from '../deploy/kubernetes/helm/values-schema.ts'
import { drift, writeFiles } from '../deploy/observability/files.ts'
import { missingTables, withTables } from './tables.ts'

const root = dirname(import.meta.dirname)
const check = process.argv.includes('--check')

/** Brings one file up to date, unless it is only looked at. Returns its path where it was not. */
function generate(path: string, make: (current: string) => string): string[] {
  const file = join(root, path)
  const current = readFileSync(file, 'utf8')
  const made = make(current)
  if (made === current) return []
  if (!check) writeFileSync(file, made)
  return [path]
}

const missing = missingTables(readFileSync(join(root, 'README.md'), 'utf8'))
const stale = [
  ...generate('README.md', withTables),
  ...generate(
    'deploy/kubernetes/helm/tidemill/values.schema.json',
    () => `${JSON.stringify(valuesSchema(), null, 2)}\n`,
  ),
  ...(check ? drift() : writeFiles()).map((path) => `deploy/${path}`),
]
for (const path of stale) process.stderr.write(`${path}: ${check ? 'not as it would be generated now' : 'written'}\n`)
for (const table of missing) process.stderr.write(`README.md has no markers for the table ${table}\n`)
if (check && stale.length > 0) process.stderr.write('run: npm run generate\n')
process.exitCode = missing.length > 0 || (check && stale.length > 0) ? 1 : 0
