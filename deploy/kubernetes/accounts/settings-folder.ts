import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { TidemillError } from '../../../worker/errors.ts'

export const ROLES = ['topology', 'worker', 'monitor'] as const
export type Role = (typeof ROLES)[number]

/** An account at the broker. */
export interface Account {
  readonly username: string
  readonly password: string
}

/** What an overlay's `settings` says of its queue, its broker and its accounts. */
export interface SettingsFolder {
  readonly queue: string
  readonly brokerUrl: string
  readonly consumerGroup: string
  readonly accounts: Readonly<Record<Role, Account>>
}

interface Generator {
  readonly name: string
  readonly literals?: readonly string[]
  readonly files?: readonly string[]
}

/**
 * Reads the kustomization in a folder. An empty file of a password gets one: 32 random bytes.
 * @throws TidemillError `USAGE` saying what is missing
 */
export function readSettingsFolder(folder: string): SettingsFolder {
  const file = join(folder, 'kustomization.yaml')
  if (!existsSync(file)) {
    throw new TidemillError(
      'USAGE',
      `expected the folder of an overlay's settings, got ${folder}: it has no kustomization.yaml`,
    )
  }
  const { configMapGenerator = [], secretGenerator = [] } = parse(readFileSync(file, 'utf8'))
  const settings = literalsOf(configMapGenerator, 'settings')
  const queue = settings.get('TIDEMILL_QUEUE')
  const brokerUrl = settings.get('TIDEMILL_BROKER_URL')
  if (queue === undefined || brokerUrl === undefined) {
    throw new TidemillError(
      'USAGE',
      `${file}: expected TIDEMILL_QUEUE and TIDEMILL_BROKER_URL among the literals of settings`,
    )
  }
  const accounts = ROLES.map((role) => [role, accountOf(folder, secretGenerator, `${role}-login`)] as const)
  return {
    queue,
    brokerUrl,
    consumerGroup: settings.get('TIDEMILL_CONSUMER_GROUP') ?? queue,
    accounts: Object.fromEntries(accounts) as Record<Role, Account>,
  }
}

function accountOf(folder: string, generators: readonly Generator[], name: string): Account {
  const username = literalsOf(generators, name).get('username')
  const path = generators
    .find((generator) => generator.name === name)
    ?.files?.find((file) => file.startsWith('password='))
    ?.slice('password='.length)
  if (username === undefined || path === undefined) {
    throw new TidemillError(
      'USAGE',
      `${name}: expected a secretGenerator with the literal username=… and the file password=…`,
    )
  }
  return { username, password: passwordIn(join(folder, path)) }
}

function passwordIn(file: string): string {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  if (/[\r\n]/.test(text)) {
    throw new TidemillError(
      'USAGE',
      `${file}: expected a password without a line break, which KEDA would take for a part of it`,
    )
  }
  if (text !== '') return text
  const password = randomBytes(32).toString('base64url')
  writeFileSync(file, password, { mode: 0o600 })
  return password
}

function literalsOf(generators: readonly Generator[], name: string): ReadonlyMap<string, string> {
  const literals = generators.find((generator) => generator.name === name)?.literals ?? []
  return new Map(
    literals.map((literal) => {
      const at = literal.indexOf('=')
      return [literal.slice(0, at), literal.slice(at + 1)]
    }),
  )
}
