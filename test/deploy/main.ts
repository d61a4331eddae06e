// `npm run test:deploy`: see --help.
import { readCall } from '../../.ci/script.ts'
import { JSON_FLAG } from '../../bin/command.ts'
import { printJson } from '../../bin/setup.ts'
import { judge } from './kubernetes/judge.ts'

const isJson = readCall(
  {
    name: 'test:deploy',
    usage: '[options]',
    help: `Renders all that is deployed to Kubernetes, and judges it by schemas, references, policies and what is generated.

Exit codes: 0 nothing is wrong, 1 something is, 2 a faulty call.`,
    flags: { json: JSON_FLAG },
    arguments: { min: 0, max: 0 },
  },
  (call) => call.values['json'] === true,
)
const { faults, ...figures } = await judge()
for (const { kind, where, message } of faults) process.stderr.write(`${kind}: ${where}: ${message}\n`)
const { ok, overlays, charts, schemaErrors, danglingRefs, policyFaults, drift } = figures
process.stderr.write(
  `${overlays} renders of kustomize, ${charts} of the chart: ${schemaErrors} schema errors, ${danglingRefs} dangling references, ${policyFaults} policy faults, ${drift} of drift\n`,
)
if (isJson) printJson({ ...figures, faults })
process.exitCode = ok ? 0 : 1
