// `npm run test:deploy`: renders all that is deployed to Kubernetes, and judges it. With --json one object on stdout.
import { judge } from './kubernetes/judge.ts'

const json = process.argv.includes('--json')
const { faults, ...figures } = await judge()
for (const { kind, where, message } of faults) process.stderr.write(`${kind}: ${where}: ${message}\n`)
const { ok, overlays, charts, schemaErrors, danglingRefs, policyFaults, drift } = figures
process.stderr.write(
  `${overlays} renders of kustomize, ${charts} of the chart: ${schemaErrors} schema errors, ${danglingRefs} dangling references, ${policyFaults} policy faults, ${drift} of drift\n`,
)
if (json) process.stdout.write(`${JSON.stringify({ ...figures, faults })}\n`)
process.exitCode = ok ? 0 : 1
