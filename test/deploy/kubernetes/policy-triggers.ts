import { namesOf } from '../../../worker/brokers/rabbitmq/names.ts'
import type { WorkerSettings } from '../../../worker/config.ts'
import { isKafkaUrl } from '../../../worker/settings-kafka.ts'
import type { Manifest } from './manifest.ts'
import { scaledSettings } from './pod-settings.ts'
import { authenticated, type Trigger, triggersOf } from './triggers.ts'

/** Below it a trigger could ask for a second worker where one is enough. */
const NO_LAG = 100_000

/** The triggers watch the worker's own queue, every place in which its jobs can wait for a worker, and nothing else. */
export function triggerSetFaults(manifest: Manifest, manifests: readonly Manifest[]): string[] {
  const triggers = triggersOf(manifest)
  const settings = triggers.length === 0 ? undefined : scaledSettings(manifest, manifests)
  if (settings === undefined) return []
  const { queue, suspects, rung } = namesOf(settings.queue)
  const isKafka = isKafkaUrl(settings.brokerUrl)
  const expected = isKafka ? [queue, ...settings.retryLadderMs.map(rung)] : [queue, suspects]
  const watched = triggers.map(({ metadata }) => metadata['topic'] ?? metadata['queueName'])
  const faults: string[] = []
  if (expected.join() !== watched.join()) {
    faults.push(`spec.triggers: expected those of ${expected.join(', ')}, got ${watched.join(', ')}`)
  }
  const { maxReplicaCount } = manifest['spec'] as { maxReplicaCount: number }
  if (isKafka && maxReplicaCount > settings.topicPartitions) {
    faults.push(
      `maxReplicaCount: expected at most topicPartitions, ${settings.topicPartitions}, got ${maxReplicaCount}`,
    )
  }
  for (const [index, trigger] of triggers.entries()) {
    const found = isKafka ? kafkaFaults(trigger, index > 0, settings) : rabbitFaults(trigger, settings)
    faults.push(...found.map((fault) => `trigger ${trigger.name}: ${fault}`))
    const isEncrypted = trigger.metadata['tls'] === 'enable' || authenticated(trigger, manifests).includes('tls')
    if (settings.brokerUrl.startsWith('kafkas:') && !isEncrypted) {
      faults.push(`trigger ${trigger.name}: expected tls for a kafkas:// URL, got nothing`)
    }
  }
  return faults
}

function rabbitFaults({ type, metadata }: Trigger, { managementUrl }: WorkerSettings): string[] {
  return [
    // It counts the jobs that run; amqp and excludeUnacknowledged do not, and then their workers are stopped.
    ...differences(metadata, { protocol: 'http', excludeUnacknowledged: undefined }),
    ...differences({ type, ...metadata }, { type: 'rabbitmq', host: managementUrl, activationValue: '0' }),
  ]
}

function kafkaFaults({ type, metadata }: Trigger, isRetry: boolean, settings: WorkerSettings): string[] {
  const { consumerGroup = settings.queue, offsetReset, brokerUrl } = settings
  const hosts = brokerUrl.slice(brokerUrl.indexOf('//') + 2)
  const faults = differences(
    { type, ...metadata },
    {
      type: 'kafka',
      bootstrapServers: hosts,
      consumerGroup,
      offsetResetPolicy: offsetReset,
      activationLagThreshold: '0',
      // It takes a topic whose worker commits once in a long job for one that nobody works on.
      excludePersistentLag: undefined,
    },
  )
  if (isRetry && Number(metadata['lagThreshold']) < NO_LAG) {
    faults.push(`lagThreshold: expected one that no lag reaches, got ${metadata['lagThreshold']}`)
  }
  return faults
}

function differences(
  got: Readonly<Record<string, string>>,
  expected: Readonly<Record<string, string | undefined>>,
): string[] {
  return Object.entries(expected)
    .filter(([name, value]) => got[name] !== value)
    .map(([name, value]) => `${name}: expected ${value ?? 'nothing'}, got ${got[name] ?? 'nothing'}`)
}
