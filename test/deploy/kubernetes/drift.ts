import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { valuesSchema } from '../../../deploy/kubernetes/helm/values-schema.ts'
import { drift } from '../../../deploy/observability/files.ts'
import { type Fault, type Manifest, nameOf } from './manifest.ts'
import type { Render } from './render.ts'

/** What kustomize appends to the names of what it generates. */
const HASH = /-[bcdfghkmt2-9]{10}$/
/** What the chart appends to the name of a Job. */
const CHART_HASH = /-[0-9a-f]{8}$/
/** Said in one way of deploying only, for a reason that stands there. */
const OWN_WAYS: readonly RegExp[] = [
  // Helm makes another Job, kustomize the same again.
  /^Job\/\S+ spec\.ttlSecondsAfterFinished$/,
  // Helm has no hash in the ConfigMap's name that would restart the pods.
  / spec\.(jobTargetRef\.)?template\.metadata\.annotations$/,
  // The default, which the chart lets one change.
  / spec\.(jobTargetRef\.)?template\.spec\.containers\[\d+\]\.imagePullPolicy$/,
]

/** Where the chart and kustomize deploy different things. */
export function chartFaults(chart: Render, kustomize: Render): Fault[] {
  const made = byName(chart.manifests)
  const expected = byName(kustomize.manifests)
  const names = [...new Set([...made.keys(), ...expected.keys()])].sort()
  return names.flatMap((name) => {
    const where = `${chart.name}: ${name}`
    return differences('', made.get(name), expected.get(name))
      .filter(({ path }) => !OWN_WAYS.some((way) => way.test(`${name} ${path}`)))
      .map(({ path, got, wanted }) => ({
        kind: 'drift' as const,
        where,
        message: `${path || 'the object'}: expected as in ${kustomize.name}, ${show(wanted)}, got ${show(got)}`,
      }))
  })
}

/** Generated files that are not as they would be generated now, and versions that are not the package's. */
export function generatedFaults(folder: string, packageVersion: string): Fault[] {
  const fault = (where: string, message: string): Fault => ({ kind: 'drift', where, message })
  const faults: Fault[] = []
  const chart = join(folder, 'helm', 'tidemill')
  const schema = join(chart, 'values.schema.json')
  const made = `${JSON.stringify(valuesSchema(), null, 2)}\n`
  if (!existsSync(schema) || readFileSync(schema, 'utf8') !== made) {
    faults.push(fault('helm/tidemill/values.schema.json', 'it is stale; run: npm run generate'))
  }
  for (const path of drift('kubernetes/', folder)) faults.push(fault(path, 'it is stale; run: npm run observability'))
  const text = readFileSync(join(chart, 'Chart.yaml'), 'utf8')
  for (const field of ['version', 'appVersion']) {
    const got = new RegExp(`^${field}: (.*)$`, 'm').exec(text)?.[1]
    if (got !== packageVersion)
      faults.push(fault('helm/tidemill/Chart.yaml', versionMessage(field, packageVersion, got)))
  }
  return faults
}

/** An overlay deploys this version's image. */
export function imageFaults({ name, manifests }: Render, packageVersion: string): Fault[] {
  const tags = JSON.stringify(manifests).matchAll(/"image":"[^"]+?:([^":]+)"/g)
  return Array.from(tags, ([, tag]) => tag!)
    .filter((tag) => tag !== packageVersion)
    .map((tag) => ({ kind: 'drift', where: name, message: versionMessage('the image', packageVersion, tag) }))
}

function versionMessage(what: string, expected: string, got: string | undefined): string {
  return `${what}: expected package.json's version, ${expected}, got ${got ?? 'nothing'}`
}

/** Objects without what each way adds for itself: hashes in names, and labels of the object itself. */
function byName(manifests: readonly Manifest[]): Map<string, unknown> {
  const renamed = new Map<string, string>()
  for (const { kind, metadata } of manifests) {
    const hash = ['ConfigMap', 'Secret'].includes(kind) ? HASH : kind === 'Job' ? CHART_HASH : undefined
    if (hash?.test(metadata.name)) renamed.set(metadata.name, metadata.name.replace(hash, ''))
  }
  const plain = JSON.parse(
    JSON.stringify(manifests, (_key, value) => (typeof value === 'string' ? (renamed.get(value) ?? value) : value)),
  ) as Manifest[]
  return new Map(
    plain.map((manifest) => {
      const { metadata, apiVersion, kind, ...content } = manifest
      return [nameOf(manifest), { apiVersion, ...content }]
    }),
  )
}

interface Difference {
  readonly path: string
  readonly got: unknown
  readonly wanted: unknown
}

function differences(path: string, got: unknown, wanted: unknown): Difference[] {
  if (typeof got !== 'object' || typeof wanted !== 'object' || got === null || wanted === null) {
    return got === wanted ? [] : [{ path, got, wanted }]
  }
  const keys = [...new Set([...Object.keys(got), ...Object.keys(wanted)])]
  return keys.flatMap((key) => {
    const below = Array.isArray(wanted) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`
    return differences(below, (got as any)[key], (wanted as any)[key])
  })
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 100 ? `${text.slice(0, 99)}…` : text
}
