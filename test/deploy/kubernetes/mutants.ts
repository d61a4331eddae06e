import type { Fault } from './manifest.ts'
import type { Composition } from './render.ts'

/** A mistake in the manifests, and the fault that has to be seen. */
export interface Mutant {
  readonly what: string
  readonly kind: Fault['kind']
  readonly file: string
  readonly from: string
  readonly to: string
  /** What shows it; the overlay `rabbitmq` by default. */
  readonly render?: Composition
  /** Matches the object and the message. */
  readonly expected: RegExp
}

const RABBITMQ = 'components/keda-rabbitmq/scaled-object.yaml'
const KAFKA = 'components/keda-kafka/scaled-object.yaml'
const DEPLOYMENT = 'base/deployment.yaml'
const SETTINGS = 'overlays/rabbitmq/settings/kustomization.yaml'
const MONITORED: Composition = { overlay: 'rabbitmq', add: ['monitoring', 'networkpolicy'] }
const JOBS: Composition = { overlay: 'rabbitmq', without: ['keda-rabbitmq'], add: ['keda-scaledjob'] }
const ON_KAFKA: Composition = { overlay: 'kafka' }

/** Mistakes that leave a field unknown or a name without an object. */
export const MUTANTS: readonly Mutant[] = [
  {
    what: 'a misspelt field of a Deployment',
    kind: 'schema',
    file: DEPLOYMENT,
    from: 'revisionHistoryLimit',
    to: 'revisionHistorylimit',
    expected: /Deployment\/orders-worker spec: expected known fields, got revisionHistorylimit/,
  },
  {
    what: 'a misspelt field deep in a pod',
    kind: 'schema',
    file: DEPLOYMENT,
    from: 'readOnly: true',
    to: 'readonly: true',
    expected: /volumeMounts\.0: expected known fields, got readonly/,
  },
  {
    what: 'a misspelt field of a ScaledObject',
    kind: 'schema',
    file: RABBITMQ,
    from: 'cooldownPeriod: 300',
    to: 'coolDownPeriod: 300',
    expected: /ScaledObject\/orders-worker spec: expected known fields, got coolDownPeriod/,
  },
  {
    what: "a number in a trigger's metadata",
    kind: 'schema',
    file: RABBITMQ,
    from: 'value: "300"',
    to: 'value: 300',
    expected: /spec.triggers.0.metadata.value: must be string/,
  },
  {
    what: 'a misspelt parameter of a trigger, which KEDA only logs',
    kind: 'schema',
    file: RABBITMQ,
    from: 'activationValue: "0"',
    to: 'activatonValue: "0"',
    expected: /expected parameters of rabbitmq, got activatonValue/,
  },
  {
    what: 'a missing parameter of a trigger',
    kind: 'schema',
    file: KAFKA,
    from: '        consumerGroup: orders\n',
    to: '',
    render: ON_KAFKA,
    expected: /spec.triggers\[0\].metadata: expected consumerGroup, got nothing/,
  },
  {
    what: 'a value that a parameter does not have',
    kind: 'schema',
    file: KAFKA,
    from: 'offsetResetPolicy: earliest',
    to: 'offsetResetPolicy: oldest',
    render: ON_KAFKA,
    expected: /offsetResetPolicy: expected one of latest, earliest, got oldest/,
  },
  {
    what: "a parameter of a trigger's login that is none",
    kind: 'schema',
    file: 'components/keda-rabbitmq/trigger-authentication.yaml',
    from: 'parameter: username',
    to: 'parameter: user',
    expected: /authenticationRef: expected parameters of rabbitmq, got user/,
  },
  {
    what: 'a tolerance in a policy, where KEDA’s page has it',
    kind: 'schema',
    file: RABBITMQ,
    from: '              value: 50\n',
    to: '              value: 50\n              tolerance: "0"\n',
    expected: /policies\.0: expected known fields, got tolerance/,
  },
  {
    what: 'a minimum above the maximum',
    kind: 'schema',
    file: RABBITMQ,
    from: 'minReplicaCount: 0',
    to: 'minReplicaCount: 21',
    expected: /spec.minReplicaCount: expected at most maxReplicaCount, 20, got 21/,
  },
  {
    what: 'a version of an API that is gone',
    kind: 'schema',
    file: 'base/pod-disruption-budget.yaml',
    from: 'policy/v1',
    to: 'policy/v1beta1',
    expected: /expected an object of a known kind, got policy\/v1beta1 PodDisruptionBudget/,
  },
  {
    what: 'a misspelt field of a PodMonitor',
    kind: 'schema',
    file: 'components/monitoring/pod-monitors.yaml',
    from: 'scrapeTimeout',
    to: 'timeout',
    render: MONITORED,
    expected: /PodMonitor\/orders-worker spec.podMetricsEndpoints.0: expected known fields, got timeout/,
  },
  {
    what: "a misspelt field of a ScaledJob's pod",
    kind: 'schema',
    file: 'components/keda-scaledjob/kustomization.yaml',
    from: 'spec/restartPolicy',
    to: 'spec/restartpolicy',
    render: JOBS,
    expected: /spec.jobTargetRef.template.spec: expected known fields, got restartpolicy/,
  },
  {
    what: 'a renamed Secret of KEDA’s login',
    kind: 'reference',
    file: SETTINGS,
    from: 'name: monitor-login',
    to: 'name: monitor-logins',
    expected: /TriggerAuthentication\/orders-broker .*expected a Secret of this render, got monitor-login/,
  },
  {
    what: "a renamed Secret of the worker's login",
    kind: 'reference',
    file: SETTINGS,
    from: 'name: worker-login',
    to: 'name: worker',
    expected: /Deployment\/orders-worker .*expected a Secret of this render, got worker-login/,
  },
  {
    what: 'a renamed key of a Secret',
    kind: 'reference',
    file: SETTINGS,
    from: 'password=logins/worker',
    to: 'pass=logins/worker',
    expected: /expected a key of Secret\/orders-worker-login-\w+ \(pass, username\), got password/,
  },
  {
    what: 'names that kustomize does not know of: the nameReference left out',
    kind: 'reference',
    file: 'components/keda-rabbitmq/kustomization.yaml',
    from: 'configurations:\n  - names.yaml\n',
    to: '',
    expected: /ScaledObject\/orders-worker spec.scaleTargetRef: expected a Deployment of this render, got worker/,
  },
  {
    what: "the nameReference of a ScaledJob's ConfigMap left out",
    kind: 'reference',
    file: 'components/keda-scaledjob/template/names.yaml',
    from: '      - { kind: ScaledJob, path: spec/jobTargetRef/template/spec/containers/envFrom/configMapRef/name }\n',
    to: '',
    render: JOBS,
    expected: /ScaledJob\/orders-worker .*expected a ConfigMap of this render, got settings/,
  },
  {
    what: 'a missing TriggerAuthentication',
    kind: 'reference',
    file: 'components/keda-rabbitmq/kustomization.yaml',
    from: '  - trigger-authentication.yaml\n',
    to: '',
    expected: /expected a TriggerAuthentication of this render, got broker/,
  },
  {
    what: 'a missing ServiceAccount',
    kind: 'reference',
    file: 'base/kustomization.yaml',
    from: '  - service-account.yaml\n',
    to: '',
    expected: /serviceAccountName: expected a ServiceAccount of this render, got worker/,
  },
  {
    what: 'a probe of a port that is not there',
    kind: 'reference',
    file: DEPLOYMENT,
    from: '- name: http\n',
    to: '- name: metrics\n',
    expected: /container worker: expected a port of the container, got http/,
  },
  {
    what: 'a PodMonitor of a port that is not there',
    kind: 'reference',
    file: 'components/monitoring/pod-monitors.yaml',
    from: 'port: http',
    to: 'port: metrics',
    render: MONITORED,
    expected: /PodMonitor\/orders-worker expected a port of the pods of spec.selector, got metrics/,
  },
  {
    what: 'a selector that takes no pod',
    kind: 'reference',
    file: 'base/pod-disruption-budget.yaml',
    from: 'component: worker',
    to: 'component: workers',
    expected: /PodDisruptionBudget\/orders-worker spec.selector: expected the labels of a pod of this render/,
  },
  {
    what: "a selector that takes other queues' pods too",
    kind: 'reference',
    file: 'components/networkpolicy/network-policies.yaml',
    from: '  podSelector:\n    matchLabels:\n      app.kubernetes.io/name: tidemill\n',
    to: '  podSelector: {}\n',
    render: MONITORED,
    expected: /NetworkPolicy\/orders-tidemill spec.podSelector: expected the label app.kubernetes.io\/instance/,
  },
  {
    what: 'a peer that kustomize has given our labels',
    kind: 'reference',
    file: 'components/networkpolicy/network-policies.yaml',
    from: '      ports:\n        - { port: 53, protocol: UDP }',
    to: '          podSelector:\n            matchLabels: { k8s-app: kube-dns }\n      ports:\n        - { port: 53, protocol: UDP }',
    render: MONITORED,
    expected: /spec.egress\[0\].to\[0\]: expected the labels of another namespace's pods, got our own/,
  },
  {
    what: 'a PodMonitor without the labels of the instance',
    kind: 'reference',
    file: 'components/monitoring/kustomization.yaml',
    from: 'configurations:\n  - selectors.yaml\n',
    to: '',
    render: MONITORED,
    expected: /PodMonitor\/orders-worker spec.selector: expected the label app.kubernetes.io\/instance/,
  },
  {
    what: 'a volume that is not there',
    kind: 'reference',
    file: DEPLOYMENT,
    from: '- name: tmp # for',
    to: '- name: temp # for',
    expected: /container worker: expected a volume of the pod, got tmp/,
  },
  {
    what: 'a container of an HPA that is not there',
    kind: 'reference',
    file: 'components/hpa-resource/horizontal-pod-autoscaler.yaml',
    from: 'container: worker',
    to: 'container: main',
    render: { overlay: 'rabbitmq', without: ['keda-rabbitmq'], add: ['hpa-resource'] },
    expected: /HorizontalPodAutoscaler\/orders-worker expected a container of its target, got main/,
  },
]
