import type { Mutant } from './mutants.ts'
import type { Composition } from './render.ts'

const RABBITMQ = 'components/keda-rabbitmq/scaled-object.yaml'
const KAFKA = 'components/keda-kafka/scaled-object.yaml'
const DEPLOYMENT = 'base/deployment.yaml'
const SETTINGS = 'overlays/rabbitmq/settings/kustomization.yaml'
const ADAPTER = 'components/hpa-external/prometheus-adapter.yaml'
const ON_KAFKA: Composition = { overlay: 'kafka' }
const HPA: Composition = { overlay: 'hpa-only' }

/** Mistakes that Kubernetes takes. */
export const POLICY_MUTANTS: readonly Mutant[] = [
  policy('a grace shorter than the setting says', {
    file: DEPLOYMENT,
    from: 'terminationGracePeriodSeconds: 45',
    to: 'terminationGracePeriodSeconds: 30',
    expected: /terminationGracePeriodSeconds: expected the setting terminationGraceMs, 45000, got 30000/,
  }),
  policy('a drain longer than the grace', {
    file: SETTINGS,
    from: '- TIDEMILL_QUEUE=orders',
    to: '- TIDEMILL_QUEUE=orders\n      - TIDEMILL_DRAIN_TIMEOUT_MS=60000',
    expected: /drainTimeoutMs .* expected less than terminationGraceMs, 45,000/,
  }),
  policy('a variable that no setting has', {
    file: SETTINGS,
    from: '- TIDEMILL_QUEUE=orders',
    to: '- TIDEMILL_QUEUE=orders\n      - TIDEMILL_CONCURENCY=5',
    expected: /TIDEMILL_CONCURENCY: expected a known variable.*CONCURRENCY/,
  }),
  policy('an argument that the command does not know', {
    file: DEPLOYMENT,
    from: 'args: [work, $(WORKER_FILE)]',
    to: 'args: [work, $(WORKER_FILE), --concurency=5]',
    expected: /container worker: args: --concurency: expected a known flag/,
  }),
  policy('a command that the image does not have', {
    file: 'base/topology-job.yaml',
    from: 'args: [topology, apply,',
    to: 'args: [setup, apply,',
    expected: /container topology: args: expected one of work, topology.*, got setup/,
  }),
  policy('a probe of another path', {
    file: DEPLOYMENT,
    from: 'path: /livez',
    to: 'path: /healthz',
    expected: /livenessProbe: expected \/livez, got \/healthz/,
  }),
  policy('a port that is not the setting httpPort', {
    file: DEPLOYMENT,
    from: 'containerPort: 8081',
    to: 'containerPort: 8080',
    expected: /ports: expected http as 8081/,
  }),
  policy('a pod that may run as root', {
    file: DEPLOYMENT,
    from: 'runAsNonRoot: true',
    to: 'runAsNonRoot: false',
    expected: /securityContext.runAsNonRoot: expected true, got false/,
  }),
  policy('a root file system that can be written', {
    file: DEPLOYMENT,
    from: '            readOnlyRootFilesystem: true\n',
    to: '',
    expected: /expected readOnlyRootFilesystem true/,
  }),
  policy('a capability', {
    file: DEPLOYMENT,
    from: 'drop: [ALL]',
    to: 'drop: [NET_RAW]',
    expected: /expected capabilities to drop ALL/,
  }),
  policy('a volume of the host', {
    file: DEPLOYMENT,
    from: '          emptyDir:\n            sizeLimit: 256Mi\n',
    to: '          hostPath:\n            path: /tmp\n',
    expected: /expected one of .*, got hostPath/,
  }),
  policy('no limit of memory', {
    file: DEPLOYMENT,
    from: '              memory: 256Mi # as',
    to: '              # as',
    expected: /resources.limits: expected memory, got nothing/,
  }),
  policy('more memory needed than there is', {
    file: SETTINGS,
    from: '- TIDEMILL_QUEUE=orders',
    to: '- TIDEMILL_QUEUE=orders\n      - TIDEMILL_MAX_BODY_BYTES=16777216',
    expected: /memory: the container may use 256 MiB/,
  }),
  policy('the tag latest', {
    file: 'overlays/rabbitmq/kustomization.yaml',
    from: 'newTag: 0.1.0',
    to: 'newTag: latest',
    expected: /image: expected a version, got latest/,
  }),
  policy('a password in git', {
    file: SETTINGS,
    from: 'files: [password=logins/worker]',
    to: 'literals: [username=orders-worker, password=hunter2]',
    expected: /Secret\/orders-worker-login-\w+ password: expected no secret in git, got one/,
  }),
  policy('a budget that blocks the drain of a node', {
    file: 'base/pod-disruption-budget.yaml',
    from: 'maxUnavailable: 25%',
    to: 'maxUnavailable: 0',
    expected: /maxUnavailable: expected a per cent, got 0/,
  }),
  policy('replicas beside a scaler', {
    file: DEPLOYMENT,
    from: '  revisionHistoryLimit: 5\n',
    to: '  replicas: 2\n  revisionHistoryLimit: 5\n',
    expected: /spec.replicas: expected nothing beside a scaler, got one/,
  }),
  policy('two scalers', {
    file: 'overlays/rabbitmq/kustomization.yaml',
    from: '  - ../../components/keda-rabbitmq\n',
    to: '  - ../../components/keda-rabbitmq\n  - ../../components/hpa-resource\n',
    expected: /Deployment\/orders-worker expected one scaler, got 2/,
  }),
  policy('unacknowledged jobs left out', {
    file: RABBITMQ,
    from: '        mode: QueueLength\n',
    to: '        mode: QueueLength\n        excludeUnacknowledged: "true"\n',
    expected: /trigger work: excludeUnacknowledged: expected nothing, got true/,
  }),
  policy('the protocol that counts waiting jobs only', {
    file: RABBITMQ,
    from: 'protocol: http',
    to: 'protocol: amqp',
    expected: /trigger work: protocol: expected http, got amqp/,
  }),
  policy('suspects that nobody watches', {
    file: RABBITMQ,
    from: 'queueName: orders.suspects',
    to: 'queueName: orders.dead',
    expected: /spec.triggers: expected those of orders, orders.suspects, got orders, orders.dead/,
  }),
  policy('an activation that leaves jobs lying', {
    file: RABBITMQ,
    from: 'activationValue: "0"',
    to: 'activationValue: "5"',
    expected: /activationValue: expected 0, got 5/,
  }),
  policy('a scale-down left to defaults', {
    file: RABBITMQ,
    from: '          stabilizationWindowSeconds: 120\n',
    to: '',
    expected: /behavior.scaleDown: expected a window, a selectPolicy and policies/,
  }),
  policy('a cooldown that overtakes the HPA', {
    file: RABBITMQ,
    from: 'cooldownPeriod: 300',
    to: 'cooldownPeriod: 150',
    expected: /cooldownPeriod: expected at least 210/,
  }),
  policy('a fallback to none', {
    file: RABBITMQ,
    from: '    replicas: 1\n',
    to: '    replicas: 0\n',
    expected: /fallback: expected replicas above 0/,
  }),
  policy('a broker that the network policies keep the worker from', {
    file: SETTINGS,
    from: '.svc:5672',
    to: '.svc:5673',
    render: { overlay: 'rabbitmq', add: ['networkpolicy'] },
    expected: /Deployment\/orders-worker expected a NetworkPolicy that lets it to port 5673 of the broker/,
  }),
  policy('a rung of the ladder that nobody watches', {
    file: 'overlays/kafka/settings/kustomization.yaml',
    from: '- TIDEMILL_QUEUE=orders',
    to: '- TIDEMILL_QUEUE=orders\n      - TIDEMILL_RETRY_LADDER_MS=1000,5000,30000,120000,600000,7200000',
    render: ON_KAFKA,
    expected: /expected those of .*orders.retry.7200000, got .*orders.retry.3600000/,
  }),
  policy('more workers than partitions', {
    file: KAFKA,
    from: 'maxReplicaCount: 12',
    to: 'maxReplicaCount: 13',
    render: ON_KAFKA,
    expected: /maxReplicaCount: expected at most topicPartitions, 12, got 13/,
  }),
  policy('retries that ask for more than one worker', {
    file: KAFKA,
    from: 'lagThreshold: "1000000"',
    to: 'lagThreshold: "10"',
    render: ON_KAFKA,
    expected: /trigger retry-1000: lagThreshold: expected one that no lag reaches, got 10/,
  }),
  policy('a metric that no rule of the adapter makes', {
    file: 'components/hpa-external/horizontal-pod-autoscaler.yaml',
    from: 'name: tidemill_queue_backlog',
    to: 'name: tidemill_queue_depth',
    render: HPA,
    expected: /expected a metric of .*tidemill_queue_backlog.*, got tidemill_queue_depth/,
  }),
  policy('a rule about a metric that nobody exports', {
    file: ADAPTER,
    from: 'tidemill_queue_suspects{',
    to: 'tidemill_queue_suspicious{',
    render: HPA,
    expected: /expected metrics of the exporter, got tidemill_queue_suspicious/,
  }),
  policy('a backlog that nobody exports', {
    file: 'overlays/hpa-only/kustomization.yaml',
    from: '  - ../../components/monitoring\n',
    to: '',
    render: HPA,
    expected: /expected one exporter beside it, got 0/,
  }),
]

function policy(what: string, mutant: Omit<Mutant, 'what' | 'kind'>): Mutant {
  return { what, kind: 'policy', ...mutant }
}
