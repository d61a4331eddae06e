import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { type Fault, type Manifest, nameOf, select } from './manifest.ts'
import { readSchema, triggerFaults } from './triggers.ts'

const FILES = ['kubernetes', 'keda', 'prometheus'] as const

interface Kind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

const ajv = new Ajv({ strict: false, allErrors: true, logger: false })
const validators = new Map<string, ValidateFunction>()
for (const file of FILES) {
  const definitions = readSchema(file)
  ajv.addSchema({ $id: `${file}.json`, definitions })
  for (const [name, definition] of Object.entries<any>(definitions)) {
    for (const { group, version, kind } of (definition['x-kubernetes-group-version-kind'] ?? []) as readonly Kind[]) {
      const apiVersion = group === '' ? version : `${group}/${version}`
      validators.set(`${apiVersion} ${kind}`, ajv.compile({ $ref: `${file}.json#/definitions/${name}` }))
    }
  }
}

/** What the API server would refuse, or KEDA, or what both would overlook: a field or a trigger's parameter that nobody knows. */
export function schemaFaults(render: string, manifests: readonly Manifest[]): Fault[] {
  return manifests.flatMap((manifest) => {
    const messages = [...shapeFaults(manifest), ...triggerFaults(manifest, manifests), ...rangeFaults(manifest)]
    return messages.map((message) => ({ kind: 'schema', where: `${render}: ${nameOf(manifest)}`, message }) as const)
  })
}

function shapeFaults(manifest: Manifest): string[] {
  const validate = validators.get(`${manifest.apiVersion} ${manifest.kind}`)
  if (validate === undefined) return [`expected an object of a known kind, got ${manifest.apiVersion} ${manifest.kind}`]
  return validate(manifest) ? [] : (validate.errors ?? []).map(describe)
}

function describe({ instancePath, message = '', params }: ErrorObject): string {
  const path = instancePath.slice(1).replaceAll('/', '.') || 'the object'
  const unknown = params['additionalProperty']
  if (unknown !== undefined) return `${path}: expected known fields, got ${unknown}`
  const allowed = params['allowedValues']
  return `${path}: ${message}${allowed === undefined ? '' : ` (${allowed.join(', ')})`}`
}

/** What Kubernetes and KEDA check beyond the shape. */
function rangeFaults(manifest: Manifest): string[] {
  const faults: string[] = []
  const spec: any = manifest['spec'] ?? {}
  for (const [min, max] of [
    ['minReplicaCount', 'maxReplicaCount'],
    ['minReplicas', 'maxReplicas'],
    ['idleReplicaCount', 'minReplicaCount'],
  ] as const) {
    if (spec[min] > spec[max]) faults.push(`spec.${min}: expected at most ${max}, ${spec[max]}, got ${spec[min]}`)
  }
  // An HPA's name is `keda-hpa-` and this; a label's value has 63 characters.
  const longest = manifest.kind === 'ScaledObject' ? 54 : 63
  const { name } = manifest.metadata
  if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name) || name.length > longest) {
    faults.push(`metadata.name: expected up to ${longest} lower-case letters, digits, '-' and '.', got ${name}`)
  }
  const names = select(manifest, 'spec.triggers.*.name').map(({ value }) => value)
  if (new Set(names).size < names.length) faults.push(`spec.triggers: expected names of their own, got ${names}`)
  return faults
}
