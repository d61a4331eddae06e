import { loadSettings, type WorkerSettings } from '../../../worker/config.ts'
import { ConfigError } from '../../../worker/errors.ts'
import type { ContainerLimits } from '../../../worker/sizing.ts'
import { type Container, type Manifest, type Pod, podsOf, select } from './manifest.ts'

/** What stands for a password that git has not. */
const PASSWORD = 'a-password'

/** The settings that a container would find, judged by the worker's own rules. */
export type Told = { readonly settings: WorkerSettings } | { readonly faults: readonly string[] }

/** What a container of tidemill's is told: its environment and the files of its volumes, out of the same render. */
export function settingsOf(pod: Pod, container: Container, manifests: readonly Manifest[]): Told {
  const files = filesOf(pod, container, manifests)
  const readFile = (path: string): string => {
    if (files.has(path)) return PASSWORD
    throw new Error(`no volume of the pod brings it (${[...files].join(', ')})`)
  }
  try {
    const env = environmentOf(container, manifests)
    return { settings: loadSettings({ env, readFile, container: limitsOf(container) }).settings }
  } catch (error) {
    if (error instanceof ConfigError) return { faults: error.faults }
    throw error
  }
}

/** What the container would find in its control groups. */
export function limitsOf(container: Container): ContainerLimits {
  const { cpu, memory } = container['resources']?.limits ?? {}
  const cpus = quantityOf(cpu)
  return {
    cpu: cpus === undefined ? undefined : { cpus, file: 'limits.cpu' },
    memoryBytes: quantityOf(memory),
    machineCpus: 2,
  }
}

const SUFFIXES: Readonly<Record<string, number>> = { '': 1, m: 0.001, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 }

/** A quantity as Kubernetes writes it, with the suffixes that are used here. */
function quantityOf(text: string | undefined): number | undefined {
  const [, figure, suffix = ''] = /^(\d+(?:\.\d+)?)(\D*)$/.exec(text ?? '') ?? []
  const factor = SUFFIXES[suffix]
  return figure === undefined || factor === undefined ? undefined : Number(figure) * factor
}

/** What the worker is told that an object scales; undefined where either is faulty, which others report. */
export function scaledSettings(scaler: Manifest, manifests: readonly Manifest[]): WorkerSettings | undefined {
  const { kind, metadata, spec } = scaler as Manifest & { spec: any }
  const target = kind === 'ScaledJob' ? `${kind} ${metadata.name}` : `Deployment ${spec.scaleTargetRef?.name}`
  const pod = podsOf(manifests).find(({ owner }) => `${owner.kind} ${owner.metadata.name}` === target)
  const [container] = pod?.spec.containers ?? []
  if (pod === undefined || container === undefined) return undefined
  const told = settingsOf(pod, container, manifests)
  return 'settings' in told ? told.settings : undefined
}

function environmentOf(container: Container, manifests: readonly Manifest[]): Record<string, string> {
  const dataOf = (kind: string, name: string): Record<string, string> => {
    const object = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name)
    const data = (object?.['data'] ?? {}) as Record<string, string>
    return kind === 'Secret' ? Object.fromEntries(Object.keys(data).map((key) => [key, PASSWORD])) : data
  }
  const env: Record<string, string> = {}
  for (const { value: source } of select(container, 'envFrom.*')) {
    if (source.configMapRef !== undefined) Object.assign(env, dataOf('ConfigMap', source.configMapRef.name))
    if (source.secretRef !== undefined) Object.assign(env, dataOf('Secret', source.secretRef.name))
  }
  for (const { value: variable } of select(container, 'env.*')) {
    const { secretKeyRef, configMapKeyRef } = variable.valueFrom ?? {}
    if (secretKeyRef !== undefined) env[variable.name] = PASSWORD
    else if (configMapKeyRef === undefined) env[variable.name] = variable.value ?? ''
    else env[variable.name] = dataOf('ConfigMap', configMapKeyRef.name)[configMapKeyRef.key] ?? ''
  }
  return env
}

/** The paths at which the keys of Secrets and ConfigMaps are mounted, all of them where none is listed. */
function filesOf(pod: Pod, container: Container, manifests: readonly Manifest[]): Set<string> {
  const files = new Set<string>()
  for (const { value: mount } of select(container, 'volumeMounts.*')) {
    const volume = select(pod.spec, 'volumes.*').find(({ value }) => value.name === mount.name)?.value
    const items = [...select(volume, 'secret.items.*'), ...select(volume, 'configMap.items.*')]
    for (const { value: item } of items) files.add(`${mount.mountPath}/${item.path}`)
    if (items.length > 0) continue
    const source = manifests.find(
      ({ kind, metadata: { name } }) =>
        (kind === 'Secret' && name === volume?.secret?.secretName) ||
        (kind === 'ConfigMap' && name === volume?.configMap?.name),
    )
    for (const key of Object.keys(source?.['data'] ?? {})) files.add(`${mount.mountPath}/${key}`)
  }
  return files
}
