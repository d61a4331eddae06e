// Makes the extracts beside it out of upstream's files: node test/deploy/schemas/extract.ts FOLDER. README.md names those.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

type Json = { readonly [key: string]: unknown }

/** The kinds of objects that are deployed; all that they refer to comes along. */
const KINDS = [
  'io.k8s.api.apps.v1.Deployment',
  'io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler',
  'io.k8s.api.batch.v1.Job',
  'io.k8s.api.core.v1.ConfigMap',
  'io.k8s.api.core.v1.Secret',
  'io.k8s.api.core.v1.ServiceAccount',
  'io.k8s.api.networking.v1.NetworkPolicy',
  'io.k8s.api.policy.v1.PodDisruptionBudget',
]
const RESOURCES = {
  keda: ['scaledobjects', 'scaledjobs', 'triggerauthentications'],
  prometheus: ['podmonitors', 'prometheusrules'],
}
const TRIGGERS = ['rabbitmq', 'kafka', 'prometheus', 'cpu', 'memory']

/** Left out, because nothing here uses them: what the cluster writes, and the volumes of storage vendors. */
const UNUSED = new Set(
  `status managedFields ephemeralContainers resourceClaims awsElasticBlockStore azureDisk azureFile cephfs cinder fc flexVolume
  flocker gcePersistentDisk gitRepo glusterfs iscsi photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos
  vsphereVolume`.split(/\s+/),
)
/** What is kept of a schema: all that upstream's files use, but prose, defaults and hints for merging. */
const KEYWORDS =
  `$ref type required items additionalProperties enum pattern minimum maximum minLength maxLength minItems
  maxItems anyOf oneOf not`.split(/\s+/)

const PLACES = [
  ['metadata', 'metadataVariableReadable'],
  ['env', 'envVariableReadable'],
  ['authentication', 'triggerAuthenticationVariableReadable'],
] as const
const KIND = 'x-kubernetes-group-version-kind'
const INT_OR_STRING = { anyOf: [{ type: 'integer' }, { type: 'string' }] }
const JOB_SPEC = referenceTo('io.k8s.api.batch.v1.JobSpec')
const OBJECT_META = referenceTo('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta')

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('expected the folder with the files of upstream, got nothing')
write('kubernetes', kubernetes(read('k8s-swagger-v1.35.json')['definitions'] as Json))
for (const [name, kinds] of Object.entries(RESOURCES)) {
  write(name, Object.fromEntries(kinds.map((kind) => resource(read(join('crds', `${kind}.yaml`))))))
}
write('triggers', triggers(read('keda-scalers-schema-v2.21.0.json')['scalers'] as readonly Trigger[]))

function kubernetes(definitions: Json): Json {
  const made: Record<string, unknown> = {}
  for (const waiting = [...KINDS]; waiting.length > 0; ) {
    const name = waiting.pop()!
    if (name in made) continue
    made[name] = strict(definitions[name])
    waiting.push(
      ...Array.from(JSON.stringify(made[name]).matchAll(/"#\/definitions\/([^"]+)"/g), ([, found]) => found!),
    )
  }
  return made
}

/** A custom resource under a name such as Kubernetes' own have. */
function resource(definition: Json): [string, Json] {
  const { group, names, versions } = definition['spec'] as any
  const [version] = versions
  const schema = strict(version.schema.openAPIV3Schema) as any
  schema.properties.metadata = OBJECT_META
  // KEDA's copy of it is 600 KB long.
  if (names.kind === 'ScaledJob') schema.properties.spec.properties.jobTargetRef = JOB_SPEC
  schema[KIND] = [{ group, version: version.name, kind: names.kind }]
  return [`${group}.${version.name}.${names.kind}`, schema]
}

/** A strict JSON Schema out of one of OpenAPI: an object with named fields has no others. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict)
  if (typeof schema !== 'object' || schema === null) return schema
  const given = schema as Json
  if (given['format'] === 'int-or-string' || given['x-kubernetes-int-or-string'] === true) return INT_OR_STRING
  const made: Record<string, unknown> = {}
  for (const keyword of KEYWORDS) if (keyword in given) made[keyword] = strict(given[keyword])
  if (KIND in given) made[KIND] = given[KIND]
  // JavaScript's expressions have no flags inside them; the values that we write are in lower case.
  if (typeof made['pattern'] === 'string') made['pattern'] = made['pattern'].replace('(?i)', '')
  if (typeof given['properties'] !== 'object') return made
  const used = Object.entries(given['properties'] as Json).filter(([name]) => !UNUSED.has(name))
  made['properties'] = Object.fromEntries(used.map(([name, value]) => [name, strict(value)]))
  if (given['x-kubernetes-preserve-unknown-fields'] !== true) made['additionalProperties'] ??= false
  return made
}

interface Trigger {
  readonly type: string
  readonly parameters: readonly Json[]
}

/** Which parameters a trigger has, whether it needs them, and where each may stand. */
function triggers(all: readonly Trigger[]): Json {
  const used = all.filter(({ type }) => TRIGGERS.includes(type))
  const of = ({ parameters }: Trigger) =>
    parameters.map((parameter) => {
      const places = PLACES.filter(([, flag]) => parameter[flag] === true).map(([place]) => place)
      const required = parameter['optional'] !== true && parameter['default'] === undefined
      const values = parameter['allowedValue']
      return [parameter['name'], { places, ...(required && { required }), ...(values !== undefined && { values }) }]
    })
  return Object.fromEntries(used.map((trigger) => [trigger.type, Object.fromEntries(of(trigger))]))
}

function referenceTo(definition: string): Json {
  return { $ref: `kubernetes.json#/definitions/${definition}` }
}

function read(file: string): Json {
  return parse(readFileSync(join(folder!, file), 'utf8'))
}

/** One definition a line: a new version then shows what it changed. */
function write(name: string, content: Json): void {
  const lines = Object.keys(content)
    .sort()
    .map((key) => `${JSON.stringify(key)}: ${JSON.stringify(content[key])}`)
  writeFileSync(join(import.meta.dirname, `${name}.json`), `{\n${lines.join(',\n')}\n}\n`)
}
