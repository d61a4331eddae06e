import { parseAllDocuments } from 'yaml'

/** An object as it is sent to Kubernetes. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels?: Labels; readonly namespace?: string }
  readonly [field: string]: unknown
}

export type Labels = Readonly<Record<string, string>>

/** Something that is wrong with an object. */
export interface Fault {
  readonly kind: 'schema' | 'reference' | 'policy' | 'drift'
  /** The render, then the object: `rabbitmq: Deployment/orders-worker`. */
  readonly where: string
  readonly message: string
}

/** A pod as an object describes it. */
export interface Pod {
  readonly owner: Manifest
  readonly labels: Labels
  readonly spec: PodSpec
}

export interface PodSpec {
  readonly containers: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly [field: string]: unknown
}

export interface Container {
  readonly name: string
  readonly image?: string
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[]
  readonly [field: string]: any
}

const TEMPLATES: Readonly<Record<string, string>> = {
  Deployment: 'spec.template',
  Job: 'spec.template',
  ScaledJob: 'spec.jobTargetRef.template',
}

/**
 * The objects of a stream of YAML documents, read as Kubernetes does (YAML 1.1: `0440` is octal).
 * @throws Error naming the line of what is no YAML
 */
export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text, { version: '1.1' })
    .map((document) => {
      const [error] = document.errors
      if (error !== undefined) throw error
      return document.toJS() as Manifest | null
    })
    .filter((manifest) => manifest !== null)
}

/** `Deployment/orders-worker` */
export function nameOf({ kind, metadata }: Manifest): string {
  return `${kind}/${metadata.name}`
}

export function podsOf(manifests: readonly Manifest[]): Pod[] {
  return manifests.flatMap((owner) => {
    const path = TEMPLATES[owner.kind]
    if (path === undefined) return []
    return select(owner, path).map(({ value }) => ({
      owner,
      labels: value.metadata?.labels ?? {},
      spec: value.spec as PodSpec,
    }))
  })
}

export function containersOf({ spec }: Pod): readonly Container[] {
  return [...(spec.initContainers ?? []), ...spec.containers]
}

/** Whether a selector of labels takes something with these; one that asks for nothing takes all. */
export function matches(selector: any, labels: Labels): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {}
  if (!Object.entries(matchLabels).every(([key, value]) => labels[key] === value)) return false
  return matchExpressions.every(({ key, operator, values = [] }: any) => {
    if (operator === 'Exists') return key in labels
    if (operator === 'DoesNotExist') return !(key in labels)
    return (operator === 'In') === values.includes(labels[key])
  })
}

/** All values at a path such as `spec.triggers.*.metadata`, where `*` is every entry of a list; what is not there is left out. */
export function select(root: unknown, path: string): { readonly path: string; readonly value: any }[] {
  let found: { path: string; value: any }[] = [{ path: '', value: root }]
  for (const step of path.split('.')) {
    found = found.flatMap(({ path: before, value }) => {
      if (step === '*' && Array.isArray(value)) {
        return value.map((entry, index) => ({ path: `${before}[${index}]`, value: entry }))
      }
      const next = typeof value === 'object' && value !== null ? value[step] : undefined
      return next === undefined ? [] : [{ path: before === '' ? step : `${before}.${step}`, value: next }]
    })
  }
  return found
}
