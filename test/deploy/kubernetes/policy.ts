import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { memoryFault } from '../../../worker/sizing.ts'
import {
  type Container,
  containersOf,
  type Fault,
  type Manifest,
  nameOf,
  type Pod,
  podsOf,
  select,
} from './manifest.ts'
import { limitsOf, settingsOf } from './pod-settings.ts'
import { argumentFaults } from './policy-arguments.ts'

/** Volumes that Pod Security `restricted` allows. */
const VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]
const PROBES = { startupProbe: '/startupz', readinessProbe: '/readyz', livenessProbe: '/livez' } as const

const DOCKERFILE = join(import.meta.dirname, '..', '..', '..', 'deploy', 'docker', 'Dockerfile')
/** What the image gives Node's heap of the memory. */
const HEAP_SHARE = heapShare()

/** What Kubernetes would take and we would not: pods with more rights than they need, without bounds, or told nonsense. */
export function policyFaults(render: string, manifests: readonly Manifest[]): Fault[] {
  return manifests.flatMap((manifest) => {
    const messages = [
      ...podsOf([manifest]).flatMap((pod) => [
        ...podFaults(pod),
        ...containersOf(pod).flatMap((container) => [
          ...containerFaults(container).map((message) => `container ${container.name}: ${message}`),
          ...argumentFaults(container).map((message) => `container ${container.name}: ${message}`),
          ...settingFaults(pod, container, manifests).map((message) => `container ${container.name}: ${message}`),
        ]),
      ]),
      ...secretFaults(manifest),
      ...budgetFaults(manifest),
    ]
    return messages.map((message) => ({ kind: 'policy', where: `${render}: ${nameOf(manifest)}`, message }) as const)
  })
}

/** Pod Security `restricted`, and no token of Kubernetes for a program that never talks to it. */
function podFaults({ spec }: Pod): string[] {
  const faults: string[] = []
  const expect = (path: string, expected: unknown) => {
    const got = select(spec, path).at(0)?.value
    if (got !== expected) faults.push(`${path}: expected ${expected}, got ${got ?? 'nothing'}`)
  }
  expect('securityContext.runAsNonRoot', true)
  expect('securityContext.seccompProfile.type', 'RuntimeDefault')
  expect('automountServiceAccountToken', false)
  expect('enableServiceLinks', false)
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC']) if (spec[field]) faults.push(`${field}: expected nothing`)
  if (select(spec, 'securityContext.runAsUser').at(0)?.value === 0) faults.push('runAsUser: expected no root, got 0')
  for (const { path, value: volume } of select(spec, 'volumes.*')) {
    const kinds = Object.keys(volume).filter((key) => key !== 'name')
    if (!kinds.every((kind) => VOLUMES.includes(kind))) faults.push(`${path}: expected one of ${VOLUMES}, got ${kinds}`)
  }
  return faults
}

function containerFaults({ image = '', securityContext = {}, resources = {} }: Container): string[] {
  const faults: string[] = []
  if (securityContext.allowPrivilegeEscalation !== false) faults.push('expected allowPrivilegeEscalation false')
  if (securityContext.readOnlyRootFilesystem !== true) faults.push('expected readOnlyRootFilesystem true')
  if (!securityContext.capabilities?.drop?.includes('ALL')) faults.push('expected capabilities to drop ALL')
  for (const field of ['requests', 'limits']) {
    for (const resource of ['cpu', 'memory']) {
      if (resources[field]?.[resource] === undefined)
        faults.push(`resources.${field}: expected ${resource}, got nothing`)
    }
  }
  const version = /@sha256:[0-9a-f]{64}$|:(?<tag>[\w.-]+)$/.exec(image)
  if (version === null) faults.push(`image: expected a tag or a digest, got ${image}`)
  if (version?.groups?.['tag'] === 'latest') faults.push('image: expected a version, got latest')
  return faults
}

/** The worker's own verdict over what it is told, its grace and its probes. */
function settingFaults(pod: Pod, container: Container, manifests: readonly Manifest[]): string[] {
  const [command] = (container['args'] ?? []) as readonly string[]
  const told = settingsOf(pod, container, manifests)
  if ('faults' in told) return told.faults.map((fault) => `settings: ${fault}`)
  if (command === 'topology') return []
  const faults = probeFaults(pod, container, told.settings.httpPort)
  const graceMs = Number(pod.spec['terminationGracePeriodSeconds'] ?? 30) * 1_000
  const { terminationGraceMs } = told.settings
  if (command === 'work') {
    const limits = limitsOf(container)
    const heapLimitBytes = HEAP_SHARE * (limits.memoryBytes ?? 0)
    const fault = memoryFault({ ...told.settings, heapLimitBytes, threads: 0, threadHeapBytes: 0 }, limits)
    if (fault !== undefined) faults.push(`memory: ${fault}`)
  }
  if (command === 'work' && graceMs !== terminationGraceMs) {
    faults.push(
      `terminationGracePeriodSeconds: expected the setting terminationGraceMs, ${terminationGraceMs}, got ${graceMs}`,
    )
  }
  return faults
}

function heapShare(): number {
  const [, percentage] =
    /^ENTRYPOINT .*--max-old-space-size-percentage=(\d+)/m.exec(readFileSync(DOCKERFILE, 'utf8')) ?? []
  if (percentage === undefined) throw new Error(`expected a share of the heap in ${DOCKERFILE}, found none`)
  return Number(percentage) / 100
}

function probeFaults({ owner }: Pod, container: Container, port: number): string[] {
  const isOpen = container.ports?.some(({ name, containerPort }) => name === 'http' && containerPort === port)
  const faults = isOpen ? [] : [`ports: expected http as ${port}, the setting httpPort`]
  for (const [probe, path] of Object.entries(PROBES)) {
    // Nobody waits for a Job to be ready.
    if (probe === 'readinessProbe' && owner.kind === 'ScaledJob') continue
    const got = select(container, `${probe}.httpGet.path`).at(0)?.value
    if (got !== path) faults.push(`${probe}: expected ${path}, got ${got ?? 'nothing'}`)
  }
  return faults
}

/** Git holds no password: an empty one, with which nothing starts, has to be filled in where it is applied. */
function secretFaults({ kind, data = {}, stringData = {} }: Manifest): string[] {
  if (kind !== 'Secret') return []
  const filled = Object.entries({ ...(data as object), ...(stringData as object) }).filter(([, value]) => value !== '')
  return filled.filter(([key]) => key !== 'username').map(([key]) => `${key}: expected no secret in git, got one`)
}

/** A fixed number would block the drain of the node that has the only worker. */
function budgetFaults({ kind, spec }: Manifest): string[] {
  if (kind !== 'PodDisruptionBudget') return []
  const { maxUnavailable, unhealthyPodEvictionPolicy } = spec as Record<string, unknown>
  const faults: string[] = []
  if (!/^\d+%$/.test(String(maxUnavailable))) faults.push(`maxUnavailable: expected a per cent, got ${maxUnavailable}`)
  if (unhealthyPodEvictionPolicy !== 'AlwaysAllow') faults.push('unhealthyPodEvictionPolicy: expected AlwaysAllow')
  return faults
}
