import { createHash, randomBytes } from 'node:crypto'
import { endpointOf } from '../../../worker/brokers/rabbitmq/address.ts'
import { ROLES, type Role, type SettingsFolder } from './settings-folder.ts'

interface Rights {
  readonly tags: readonly string[]
  /** Regular expressions over the names of queues and exchanges. */
  readonly configure: string
  readonly write: string
  readonly read: string
}

const NOTHING = '^$'

/** A definitions file for `rabbitmqctl import_definitions`: the accounts of one queue, and no right more than each needs. */
export function rabbitmqDefinitions({ queue, brokerUrl, accounts }: SettingsFolder): string {
  const { vhost } = endpointOf(brokerUrl)
  const users = ROLES.map((role) => ({
    name: accounts[role].username,
    password_hash: hashOf(accounts[role].password),
    hashing_algorithm: 'rabbit_password_hashing_sha256',
    tags: rightsOf(queue)[role].tags,
  }))
  const permissions = ROLES.map((role) => {
    const { tags, ...rights } = rightsOf(queue)[role]
    return { user: accounts[role].username, vhost, ...rights }
  })
  const vhosts = vhost === '/' ? {} : { vhosts: [{ name: vhost }] }
  return `${JSON.stringify({ ...vhosts, users, permissions }, null, 2)}\n`
}

function rightsOf(queue: string): Readonly<Record<Role, Rights>> {
  const name = queue.replaceAll('.', '\\.')
  const all = `^${name}(\\..*)?$`
  return {
    topology: { tags: [], configure: all, write: all, read: all },
    worker: { tags: [], configure: NOTHING, write: `^${name}\\.(work|retry|dead)$`, read: `^${name}(\\.suspects)?$` },
    // The tag lets it ask the management API about a virtual host in which it has any rights, also none at all.
    monitor: { tags: ['management'], configure: NOTHING, write: NOTHING, read: NOTHING },
  }
}

/** As RabbitMQ keeps a password: base64 of a salt of four bytes and of the SHA-256 of salt and password. */
function hashOf(password: string): string {
  const salt = randomBytes(4)
  const hash = createHash('sha256').update(salt).update(password).digest()
  return Buffer.concat([salt, hash]).toString('base64')
}
