import type { WorkerSettings } from '../../../worker/config.ts'
import { type Fault, type Manifest, nameOf, podsOf, select } from './manifest.ts'
import { scaledSettings } from './pod-settings.ts'
import { triggerSetFaults } from './policy-triggers.ts'

/** What makes a scaled worker lose jobs, flap, stay away or be scaled by two. */
export function scalingFaults(render: string, manifests: readonly Manifest[]): Fault[] {
  const targets = manifests.flatMap((manifest) =>
    select(manifest, 'spec.scaleTargetRef.name').map(({ value }) => value),
  )
  return manifests.flatMap((manifest) => {
    const messages = [
      ...behaviorFaults(manifest),
      ...triggerSetFaults(manifest, manifests),
      ...(manifest.kind === 'ScaledObject' ? scaledObjectFaults(manifest, scaledSettings(manifest, manifests)) : []),
      ...(manifest.kind === 'HorizontalPodAutoscaler' ? externalFaults(manifest, manifests) : []),
    ]
    if (manifest.kind === 'Deployment') {
      const scalers = targets.filter((name) => name === manifest.metadata.name).length
      const { replicas } = manifest['spec'] as { replicas?: number }
      if (scalers > 1) messages.push(`expected one scaler, got ${scalers}`)
      if (scalers > 0 && replicas !== undefined)
        messages.push('spec.replicas: expected nothing beside a scaler, got one')
      if (scalers === 0 && replicas === undefined) messages.push('expected replicas or a scaler, got neither')
    }
    return messages.map((message) => ({ kind: 'policy', where: `${render}: ${nameOf(manifest)}`, message }) as const)
  })
}

/** Both directions said in full: what is left out is filled in, and otherwise than most think. */
function behaviorFaults(manifest: Manifest): string[] {
  const path = {
    ScaledObject: 'spec.advanced.horizontalPodAutoscalerConfig.behavior',
    HorizontalPodAutoscaler: 'spec.behavior',
  }[manifest.kind as string]
  if (path === undefined) return []
  return ['scaleUp', 'scaleDown'].flatMap((direction) => {
    const [rules] = select(manifest, `${path}.${direction}`)
    const { stabilizationWindowSeconds, selectPolicy, policies = [] } = rules?.value ?? {}
    const isSaid = stabilizationWindowSeconds !== undefined && selectPolicy !== undefined && policies.length > 0
    if (!isSaid) return [`${path}.${direction}: expected a window, a selectPolicy and policies`]
    const isCalm = direction === 'scaleUp' || stabilizationWindowSeconds >= 60
    return isCalm ? [] : [`${path}.${direction}: expected a window of at least 60 s, got ${stabilizationWindowSeconds}`]
  })
}

function scaledObjectFaults(manifest: Manifest, settings: WorkerSettings | undefined): string[] {
  const spec = manifest['spec'] as any
  const faults: string[] = []
  if (spec.minReplicaCount !== 0) faults.push(`minReplicaCount: expected 0, got ${spec.minReplicaCount ?? 'nothing'}`)
  // With 0 KEDA stops all workers on errors, and then holds one.
  if (!(spec.fallback?.replicas > 0)) faults.push('fallback: expected replicas above 0')
  const downS = secondsDown(spec.maxReplicaCount, spec.advanced?.horizontalPodAutoscalerConfig?.behavior?.scaleDown)
  if (spec.cooldownPeriod < downS) {
    const reason = 'what the HPA needs to go down to 1, or KEDA stops them all at once'
    faults.push(`cooldownPeriod: expected at least ${downS}, ${reason}, got ${spec.cooldownPeriod}`)
  }
  if (settings !== undefined && spec.cooldownPeriod * 1_000 < settings.jobTimeoutMs) {
    faults.push(
      `cooldownPeriod: expected at least jobTimeoutMs, ${settings.jobTimeoutMs}, got ${spec.cooldownPeriod} s`,
    )
  }
  return faults
}

/** How long the HPA takes from the largest number down to 1, by its window and its policies. */
function secondsDown(max: number, { stabilizationWindowSeconds = 300, policies = [] }: any = {}): number {
  let seconds = stabilizationWindowSeconds
  for (let replicas = max; replicas > 1 && policies.length > 0; ) {
    const next = Math.min(
      ...policies.map(({ type, value }: any) =>
        type === 'Pods' ? replicas - value : Math.trunc(replicas * (1 - value / 100)),
      ),
    )
    replicas = Math.max(1, next)
    if (replicas > 1) seconds += Math.max(...policies.map(({ periodSeconds }: any) => periodSeconds))
  }
  return seconds
}

/** An HPA's external metric is the worker's own queue, and somebody exports it. */
function externalFaults(manifest: Manifest, manifests: readonly Manifest[]): string[] {
  const settings = scaledSettings(manifest, manifests)
  const metrics = select(manifest, 'spec.metrics.*.external.metric')
  if (settings === undefined || metrics.length === 0) return []
  const faults = metrics
    .filter(({ value }) => value.selector?.matchLabels?.queue !== settings.queue)
    .map(({ path }) => `${path}: expected the selector queue ${settings.queue}`)
  const exporters = podsOf(manifests).filter(({ spec }) => spec.containers.some(({ args }) => args?.[0] === 'exporter'))
  if (exporters.length !== 1) faults.push(`expected one exporter beside it, got ${exporters.length}`)
  return faults
}
