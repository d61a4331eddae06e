import * as z from 'zod'
import { SETTING_NAMES, SETTINGS, type SettingName } from '../../../worker/settings-table.ts'

type Schema = { readonly [keyword: string]: unknown }

/** Settings that the chart knows from elsewhere: the accounts, and the pod's grace. */
const ELSEWHERE: ReadonlySet<SettingName> = new Set(['brokerUsername', 'brokerPassword', 'terminationGraceMs'])
/** A user name is no secret; what follows its colon is. */
const NO_PASSWORD = '^[a-z]+://([^:@/]*@)?[^@]*$'

const flag: Schema = { type: 'boolean' }
const string: Schema = { type: 'string' }
const name: Schema = { type: 'string', minLength: 1 }
/** What Kubernetes checks itself: its own objects in the chart's values. */
const object: Schema = { type: 'object' }
const list: Schema = { type: 'array' }
const labels: Schema = { type: 'object', additionalProperties: { type: 'string' } }
const pod: Schema = fields({ requests: object, limits: object })
const seconds: Schema = { type: 'string', pattern: '^[0-9]+(ms|s|m)$' }

/** The JSON Schema of the chart's values: unknown names are refused, and the settings are those of the table. */
export function valuesSchema(): object {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Values of the chart tidemill',
    ...fields(
      {
        global: object,
        ...image(),
        settings: settings(),
        workerFile: name,
        brokerCaConfigMap: string,
        env: { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } },
        extraEnv: list,
        envFrom: list,
        logins: fields({ worker: login(), topology: login(), monitor: login() }),
        ...scaling(),
        ...workload(),
        ...beside(),
      },
      ['image', 'settings', 'logins'],
    ),
  }
}

function image(): Schema {
  return {
    image: fields(
      {
        registry: string,
        repository: name,
        tag: { type: 'string', not: { const: 'latest' } },
        digest: { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
        pullPolicy: { enum: ['Always', 'IfNotPresent', 'Never'] },
      },
      ['repository'],
    ),
    imagePullSecrets: list,
    nameOverride: string,
    fullnameOverride: string,
  }
}

function settings(): Schema {
  const known = SETTING_NAMES.filter((setting) => !ELSEWHERE.has(setting))
  const properties = known.map((setting) => [setting, settingSchema(setting)])
  return fields(
    Object.fromEntries(properties),
    known.filter((setting) => SETTINGS[setting].required),
  )
}

function settingSchema(setting: SettingName): Schema {
  const { sentence, schema, secret } = SETTINGS[setting]
  const { $schema, ...form } = z.toJSONSchema(schema as z.ZodType, { io: 'input', target: 'draft-7' })
  return { description: sentence, ...form, ...(secret === 'url' && { pattern: NO_PASSWORD }) }
}

function login(): Schema {
  return fields({ existingSecret: string, username: string, password: string })
}

function scaling(): Schema {
  return {
    keda: fields({
      enabled: flag,
      scaledJob: fields({ enabled: flag, pollingInterval: whole(1), ttlSecondsAfterFinished: whole(0) }),
      jobsPerReplica: whole(1),
      vhostName: name,
      pollingInterval: whole(1),
      cooldownPeriod: whole(0),
      initialCooldownPeriod: whole(0),
      minReplicaCount: whole(0),
      maxReplicaCount: whole(1),
      fallback: { type: ['object', 'null'] },
      behavior: behavior(),
      kafka: fields({
        version: name,
        sasl: { enum: ['none', 'plaintext', 'scram_sha256', 'scram_sha512'] },
        retryLagThreshold: whole(100_000),
      }),
      extraTriggers: list,
      annotations: labels,
    }),
    autoscaling: fields({
      enabled: flag,
      minReplicas: whole(0),
      maxReplicas: whole(1),
      targetCPUUtilizationPercentage: { type: ['integer', 'null'], minimum: 1 },
      targetMemoryUtilizationPercentage: { type: ['integer', 'null'], minimum: 1 },
      backlog: fields({ enabled: flag, metric: name, jobsPerReplica: whole(1) }),
      behavior: behavior(),
    }),
    replicaCount: whole(0),
  }
}

/** Both directions: what is left out is filled in, and otherwise than most think. */
function behavior(): Schema {
  return fields({ scaleUp: object, scaleDown: object }, ['scaleUp', 'scaleDown'])
}

function workload(): Schema {
  return {
    terminationGracePeriodSeconds: whole(1),
    revisionHistoryLimit: whole(0),
    strategy: object,
    serviceAccount: fields({ create: flag, name: string, annotations: labels, automount: flag }),
    podAnnotations: labels,
    podLabels: labels,
    podSecurityContext: object,
    securityContext: object,
    resources: pod,
    startupProbe: object,
    readinessProbe: object,
    livenessProbe: object,
    tmpSizeLimit: name,
    volumes: list,
    volumeMounts: list,
    nodeSelector: labels,
    tolerations: list,
    affinity: object,
    topologySpreadConstraints: list,
    priorityClassName: string,
    podDisruptionBudget: fields({ enabled: flag, maxUnavailable: { type: 'string', pattern: '^[0-9]+%$' } }),
  }
}

function beside(): Schema {
  return {
    topology: fields({ enabled: flag, annotations: labels, resources: pod }),
    exporter: fields({ enabled: flag, resources: pod }),
    metrics: fields({
      podMonitor: fields({ enabled: flag, interval: seconds, scrapeTimeout: seconds, labels }),
      prometheusRule: fields({ enabled: flag, labels }),
      dashboards: fields({ enabled: flag, label: name, labelValue: string }),
    }),
    networkPolicy: fields({
      enabled: flag,
      monitoringNamespace: name,
      brokerNamespace: name,
      brokerPorts: { type: 'array', items: whole(1) },
      exporterPorts: { type: 'array', items: whole(1) },
      extraIngress: list,
      extraEgress: list,
    }),
    extraManifests: list,
  }
}

function whole(minimum: number): Schema {
  return { type: 'integer', minimum }
}

function fields(properties: Schema, required: readonly string[] = []): Schema {
  return { type: 'object', properties, additionalProperties: false, ...(required.length > 0 && { required }) }
}
