// `npm run observability`: see --help.
import { readCall } from '../../.ci/script.ts'
import { JSON_FLAG } from '../../bin/command.ts'
import { printJson } from '../../bin/setup.ts'
import { drift, writeFiles } from './files.ts'

const { check, isJson } = readCall(
  {
    name: 'observability',
    usage: '[options]',
    help: `Makes the dashboard and the alerts anew.

Exit codes: 0 they are as they should be, 1 --check found one that is not, 2 a faulty call.`,
    flags: {
      check: { type: 'boolean', help: 'Change nothing; say which are not as they would be made now.' },
      json: JSON_FLAG,
    },
    arguments: { min: 0, max: 0 },
  },
  ({ values }) => ({ check: values['check'] === true, isJson: values['json'] === true }),
)
const stale = check ? drift() : writeFiles()
const ok = !check || stale.length === 0
for (const path of stale) process.stderr.write(`deploy/${path}: ${check ? 'not as generated' : 'written'}\n`)
if (!ok) process.stderr.write('run: npm run observability\n')
if (isJson) printJson({ ok, drift: check ? stale.length : 0 })
process.exitCode = ok ? 0 : 1
