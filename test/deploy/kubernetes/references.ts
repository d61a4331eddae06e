import { containersOf, type Fault, type Manifest, matches, nameOf, type Pod, podsOf, select } from './manifest.ts'

/** A name in an object that stands for another object of the same render. */
interface Reference {
  /** Where the name stands. */
  readonly path: string
  readonly kind: string
  /** Beside the name, the path of a key in the object's data. */
  readonly key?: string
}

const OF_PODS: readonly Reference[] = [
  { path: 'serviceAccountName', kind: 'ServiceAccount' },
  { path: 'imagePullSecrets.*.name', kind: 'Secret' },
  { path: 'volumes.*.configMap.name', kind: 'ConfigMap', key: 'items.*.key' },
  { path: 'volumes.*.secret.secretName', kind: 'Secret', key: 'items.*.key' },
  { path: 'volumes.*.projected.sources.*.configMap.name', kind: 'ConfigMap', key: 'items.*.key' },
  { path: 'volumes.*.projected.sources.*.secret.name', kind: 'Secret', key: 'items.*.key' },
  { path: 'volumes.*.persistentVolumeClaim.claimName', kind: 'PersistentVolumeClaim' },
  ...['containers', 'initContainers'].flatMap((containers) => [
    { path: `${containers}.*.envFrom.*.configMapRef.name`, kind: 'ConfigMap' },
    { path: `${containers}.*.envFrom.*.secretRef.name`, kind: 'Secret' },
    { path: `${containers}.*.env.*.valueFrom.configMapKeyRef.name`, kind: 'ConfigMap', key: 'key' },
    { path: `${containers}.*.env.*.valueFrom.secretKeyRef.name`, kind: 'Secret', key: 'key' },
  ]),
]

const OF_KINDS: Readonly<Record<string, readonly Reference[]>> = {
  ScaledObject: [{ path: 'spec.triggers.*.authenticationRef.name', kind: 'TriggerAuthentication' }],
  ScaledJob: [{ path: 'spec.triggers.*.authenticationRef.name', kind: 'TriggerAuthentication' }],
  TriggerAuthentication: [
    { path: 'spec.secretTargetRef.*.name', kind: 'Secret', key: 'key' },
    { path: 'spec.configMapTargetRef.*.name', kind: 'ConfigMap', key: 'key' },
  ],
}

/** The names that refer to nothing: to no object, key, container, port or volume of the same render, and selectors that take no pod. */
export function referenceFaults(render: string, manifests: readonly Manifest[]): Fault[] {
  const all = new Render(manifests)
  return manifests.flatMap((manifest) => {
    const messages = [
      ...(OF_KINDS[manifest.kind] ?? []).flatMap((reference) => all.missing(manifest, reference)),
      ...podsOf([manifest]).flatMap((pod) => podFaults(pod, all)),
      ...targetFaults(manifest, all),
      ...selectorFaults(manifest, all),
    ]
    return messages.map((message) => ({ kind: 'reference', where: `${render}: ${nameOf(manifest)}`, message }) as const)
  })
}

class Render {
  readonly pods: readonly Pod[]
  readonly #objects: ReadonlyMap<string, Manifest>

  constructor(manifests: readonly Manifest[]) {
    this.pods = podsOf(manifests)
    this.#objects = new Map(manifests.map((manifest) => [nameOf(manifest), manifest]))
  }

  has(kind: string, name: string): boolean {
    return this.#objects.has(`${kind}/${name}`)
  }

  podOf(kind: string, name: string): Pod | undefined {
    return this.pods.find(({ owner }) => owner.kind === kind && owner.metadata.name === name)
  }

  /** What a reference names and is not there. */
  missing(root: unknown, { path, kind, key }: Reference): string[] {
    const holder = path.slice(0, path.lastIndexOf('.'))
    return select(root, path).flatMap(({ path: where, value: name }, index) => {
      const object = this.#objects.get(`${kind}/${name}`)
      if (object === undefined) return [`${where}: expected a ${kind} of this render, got ${name}`]
      if (key === undefined) return []
      const keys = Object.keys({ ...(object['data'] ?? {}), ...(object['stringData'] ?? {}) })
      return select(select(root, holder).at(index)?.value, key)
        .filter(({ value }) => !keys.includes(value))
        .map(({ value }) => `${where}: expected a key of ${kind}/${name} (${keys.join(', ')}), got ${value}`)
    })
  }
}

function podFaults(pod: Pod, all: Render): string[] {
  const faults = OF_PODS.flatMap((reference) => all.missing(pod.spec, reference))
  const volumes = select(pod.spec, 'volumes.*.name').map(({ value }) => value)
  for (const container of containersOf(pod)) {
    const where = `container ${container.name}`
    const mounted = select(container, 'volumeMounts.*.name').map(({ value }) => value)
    faults.push(...absent(`${where}: expected a volume of the pod`, mounted, volumes))
    const asked = ['startupProbe', 'readinessProbe', 'livenessProbe'].flatMap((probe) =>
      select(container, `${probe}.httpGet.port`).map(({ value }) => value),
    )
    faults.push(...absent(`${where}: expected a port of the container`, asked, portsOf(pod, [container.name])))
  }
  const spread = select(pod.spec, 'topologySpreadConstraints.*.labelSelector')
  const others = spread.filter(({ value }) => !matches(value, pod.labels))
  return [...faults, ...others.map(({ path }) => `${path}: expected the labels of its own pod, got others`)]
}

/** What is scaled, and the parts of it that are named. */
function targetFaults(manifest: Manifest, all: Render): string[] {
  const [target] = select(manifest, 'spec.scaleTargetRef')
  if (target === undefined) return []
  const { kind = 'Deployment', name, envSourceContainerName } = target.value
  const pod = all.podOf(kind, name)
  if (pod === undefined) return [`${target.path}: expected a ${kind} of this render, got ${name}`]
  const named = select(manifest, 'spec.metrics.*.containerResource.container').map(({ value }) => value)
  if (envSourceContainerName !== undefined) named.push(envSourceContainerName)
  return absent(
    'expected a container of its target',
    named,
    containersOf(pod).map((container) => container.name),
  )
}

/** Selectors take a pod of this render, take none of another instance, and name ports that those pods have. */
function selectorFaults(manifest: Manifest, all: Render): string[] {
  const { kind } = manifest
  if (kind === 'Deployment') {
    const pods = podsOf([manifest]).filter(({ labels }) => matches((manifest['spec'] as any).selector, labels))
    return pods.length === 1 ? [] : ['spec.selector: expected the labels of its own pod, got others']
  }
  const path = { PodDisruptionBudget: 'spec.selector', PodMonitor: 'spec.selector', NetworkPolicy: 'spec.podSelector' }[
    kind as string
  ]
  if (path === undefined) return []
  const [selector] = select(manifest, path)
  const pods = all.pods.filter(({ labels }) => matches(selector?.value, labels))
  if (pods.length === 0) return [`${path}: expected the labels of a pod of this render, got others`]
  const faults: string[] = []
  if (selector?.value.matchLabels?.[INSTANCE] === undefined) {
    faults.push(`${path}: expected the label ${INSTANCE}, or it takes the pods of other queues too, got none`)
  }
  const peers = [...select(manifest, 'spec.ingress.*.from.*'), ...select(manifest, 'spec.egress.*.to.*')]
  for (const { path: where, value } of peers) {
    const foreign = value.namespaceSelector !== undefined && value.podSelector?.matchLabels?.[INSTANCE] !== undefined
    if (foreign) faults.push(`${where}: expected the labels of another namespace's pods, got our own`)
  }
  const ports = pods.flatMap((pod) =>
    portsOf(
      pod,
      containersOf(pod).map(({ name }) => name),
    ),
  )
  const asked = ['spec.podMetricsEndpoints.*.port', 'spec.ingress.*.ports.*.port'].flatMap((at) =>
    select(manifest, at).map(({ value }) => value),
  )
  return [...faults, ...absent(`expected a port of the pods of ${path}`, asked, ports)]
}

const INSTANCE = 'app.kubernetes.io/instance'

/** Names and numbers of the ports of some containers. */
function portsOf(pod: Pod, names: readonly string[]): unknown[] {
  return containersOf(pod)
    .filter(({ name }) => names.includes(name))
    .flatMap(({ ports = [] }) => ports.flatMap(({ name, containerPort }) => [name, containerPort]))
}

function absent(expected: string, asked: readonly unknown[], there: readonly unknown[]): string[] {
  return asked.filter((name) => !there.includes(name)).map((name) => `${expected}, got ${String(name)}`)
}
