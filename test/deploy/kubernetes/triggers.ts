import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Manifest, select } from './manifest.ts'

/** A trigger of a ScaledObject or a ScaledJob. */
export interface Trigger {
  readonly type: string
  readonly name?: string
  readonly metadata: Readonly<Record<string, string>>
  readonly authenticationRef?: { readonly name: string }
}

interface Parameter {
  readonly places: readonly ('metadata' | 'env' | 'authentication')[]
  readonly required?: boolean
  readonly values?: readonly string[]
}

const PARAMETERS: Readonly<Record<string, Readonly<Record<string, Parameter>>>> = readSchema('triggers')

/** One of the extracts of upstream's schemas. */
export function readSchema(name: string): any {
  return JSON.parse(readFileSync(join(import.meta.dirname, '..', 'schemas', `${name}.json`), 'utf8'))
}

export function triggersOf(manifest: Manifest): Trigger[] {
  return select(manifest, 'spec.triggers.*').map(({ value }) => ({ metadata: {}, ...value }))
}

/** What a trigger is told by the object that holds its login. */
export function authenticated({ authenticationRef }: Trigger, manifests: readonly Manifest[]): string[] {
  const object = manifests.find(
    ({ kind, metadata }) => kind === 'TriggerAuthentication' && metadata.name === authenticationRef?.name,
  )
  return ['spec.secretTargetRef.*.parameter', 'spec.configMapTargetRef.*.parameter'].flatMap((path) =>
    select(object, path).map(({ value }) => value),
  )
}

/** What KEDA does not know, which it only logs, and the schema of its objects takes. */
export function triggerFaults(manifest: Manifest, manifests: readonly Manifest[]): string[] {
  return triggersOf(manifest).flatMap((trigger, index) => {
    const where = `spec.triggers[${index}]`
    const { type, metadata } = trigger
    const parameters = PARAMETERS[type]
    if (parameters === undefined) {
      return [`${where}.type: expected one of ${Object.keys(PARAMETERS).join(', ')}, got ${type}`]
    }
    const faults: string[] = []
    const given = new Set<string>()
    for (const [key, value] of Object.entries(metadata)) {
      const [name, place] = key in parameters ? [key, 'metadata'] : [key.replace(/FromEnv$/, ''), 'env']
      given.add(name)
      if (!isTaken(parameters[name], place))
        faults.push(`${where}.metadata: expected parameters of ${type}, got ${key}`)
      const { values } = parameters[name] ?? {}
      if (place === 'metadata' && values !== undefined && !values.includes(String(value))) {
        faults.push(`${where}.metadata.${key}: expected one of ${values.join(', ')}, got ${value}`)
      }
    }
    for (const name of authenticated(trigger, manifests)) {
      given.add(name)
      if (isTaken(parameters[name], 'authentication')) continue
      faults.push(`${where}.authenticationRef: expected parameters of ${type}, got ${name}`)
    }
    const missing = Object.keys(parameters).filter((name) => parameters[name]?.required && !given.has(name))
    return [...faults, ...missing.map((name) => `${where}.metadata: expected ${name}, got nothing`)]
  })
}

function isTaken(parameter: Parameter | undefined, place: string): boolean {
  return parameter?.places.some((known) => known === place) ?? false
}
