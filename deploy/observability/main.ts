// `npm run observability` makes the dashboard and the alerts anew; with --check it says which are not as they should be.
import { parseArgs } from 'node:util'
import { drift, writeFiles } from './files.ts'

const { values } = parseArgs({
  options: { check: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const stale = values.check ? drift() : writeFiles()
const ok = !values.check || stale.length === 0
for (const path of stale) process.stderr.write(`deploy/${path}: ${values.check ? 'not as generated' : 'written'}\n`)
if (!ok) process.stderr.write('run: npm run observability\n')
if (values.json) process.stdout.write(`${JSON.stringify({ ok, drift: values.check ? stale.length : 0 })}\n`)
process.exitCode = ok ? 0 : 1
