import { type Fault, type Manifest, matches, nameOf, type Pod, podsOf, select } from './manifest.ts'
import { settingsOf } from './pod-settings.ts'

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  amqp: 5672,
  amqps: 5671,
  kafka: 9092,
  kafkas: 9092,
  http: 80,
  https: 443,
}

/** Pods that network policies keep from the broker that they are told of. */
export function networkFaults(render: string, manifests: readonly Manifest[]): Fault[] {
  const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy')
  return podsOf(manifests).flatMap((pod) => {
    const open = openPorts(pod, policies)
    if (open === 'all') return []
    return portsNeeded(pod, manifests)
      .filter((port) => !open.has(port))
      .map((port) => {
        const message = `expected a NetworkPolicy that lets it to port ${port} of the broker, got ${[...open].join(', ')}`
        return { kind: 'policy', where: `${render}: ${nameOf(pod.owner)}`, message } as const
      })
  })
}

/** The ports that some policy opens to the outside; all where no policy closes them. */
function openPorts({ labels }: Pod, policies: readonly Manifest[]): ReadonlySet<number> | 'all' {
  const own = policies.filter(
    (policy) =>
      matches(select(policy, 'spec.podSelector').at(0)?.value, labels) &&
      select(policy, 'spec.policyTypes.*').some(({ value }) => value === 'Egress'),
  )
  if (own.length === 0) return 'all'
  const rules = own.flatMap((policy) => select(policy, 'spec.egress.*').map(({ value }) => value))
  if (rules.some(({ ports }) => ports === undefined)) return 'all'
  return new Set(rules.flatMap(({ ports }) => ports.map(({ port }: { port: number }) => port)))
}

/** Those of the broker's URL, and for the exporter of the management API. */
function portsNeeded(pod: Pod, manifests: readonly Manifest[]): number[] {
  return pod.spec.containers.flatMap((container) => {
    const told = settingsOf(pod, container, manifests)
    if (!('settings' in told)) return []
    const { brokerUrl, managementUrl } = told.settings
    const urls = container['args']?.[0] === 'exporter' && managementUrl !== undefined ? [managementUrl] : [brokerUrl]
    return urls.flatMap(portsIn)
  })
}

function portsIn(url: string): number[] {
  const [, scheme = '', hosts = ''] = /^(\w+):\/\/(?:[^@/]*@)?([^/]+)/.exec(url) ?? []
  return hosts.split(',').map((host) => Number(/:(\d+)$/.exec(host)?.[1] ?? DEFAULT_PORTS[scheme]))
}
