// `npm run generate`: see --help.
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { valuesSchema } from '../deploy/kubernetes/helm/values-schema.ts'
import { drift, writeFiles } from '../deploy/observability/files.ts'
import { readCall } from './script.ts'
import { missingTables, withTables } from './tables.ts'

const root = dirname(import.meta.dirname)
const check = readCall(
  {
    name: 'generate',
    usage: '[options]',
    help: `Makes anew what is made from code: the README's tables, the chart's schema, dashboard and alerts.

Exit codes: 0 all is as it should be, 1 --check found what is not, or a table has no place, 2 a faulty call.`,
    flags: { check: { type: 'boolean', help: 'Change nothing; say what is not as it would be made now.' } },
    arguments: { min: 0, max: 0 },
  },
  (call) => call.values['check'] === true,
)

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
