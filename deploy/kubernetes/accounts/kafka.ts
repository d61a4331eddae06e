import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Account, ROLES, type SettingsFolder } from './settings-folder.ts'

const BEGINNING = join(import.meta.dirname, 'kafka.sh')

/** A shell script for a machine with Kafka's own commands: SCRAM accounts of one queue, and no right more than each needs. */
export function kafkaScript({ queue, consumerGroup, accounts }: SettingsFolder): string {
  const own = `--topic ${queue}`
  const derived = `--topic ${queue}. --resource-pattern-type prefixed`
  const retries = `--topic ${queue}.retry. --resource-pattern-type prefixed`
  const { topology, worker, monitor } = accounts
  const lines = [
    ...ROLES.flatMap((role) => login(accounts[role])),
    '# declares topics, and looks whether they are as they should be',
    ...[own, derived].map((topics) => grant(topology, 'Create Describe DescribeConfigs Alter', topics)),
    '# reads jobs, writes retries and dead letters',
    ...[own, retries].map((topics) => grant(worker, 'Read Describe', topics)),
    ...[retries, `--topic ${queue}.dead`].map((topics) => grant(worker, 'Write Describe', topics)),
    grant(worker, 'Read Describe', `--group ${consumerGroup}`),
    '# says how far the group is behind; reads no record',
    ...[own, derived].map((topics) => grant(monitor, 'Describe', topics)),
    grant(monitor, 'Describe', `--group ${consumerGroup}`),
  ]
  return `${readFileSync(BEGINNING, 'utf8')}${lines.join('\n')}\n`
}

function login({ username, password }: Account): string[] {
  return [`account ${username} <<'END'`, `SCRAM-SHA-512=iterations=8192,password=${password}`, 'END']
}

function grant({ username }: Account, operations: string, resource: string): string {
  const asked = operations.split(' ').map((operation) => `--operation ${operation}`)
  return `acl --allow-principal User:${username} ${asked.join(' ')} ${resource}`
}
