import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { rabbitmqDefinitions } from '../../deploy/kubernetes/accounts/rabbitmq.ts'
import { readSettingsFolder } from '../../deploy/kubernetes/accounts/settings-folder.ts'
import { KUBERNETES } from './kubernetes/cases.ts'

const ROOT = join(import.meta.dirname, '..', '..')

test('empty files get passwords of their own, and those that are filled keep theirs', (t) => {
  const folder = copyOf(t, 'rabbitmq')
  writeFileSync(join(folder, 'logins', 'worker'), 'chosen')
  const first = readSettingsFolder(folder)
  assert.equal(first.accounts.worker.password, 'chosen')
  assert.match(first.accounts.topology.password, /^[\w-]{43}$/)
  assert.notEqual(first.accounts.topology.password, first.accounts.monitor.password)
  assert.deepEqual(readSettingsFolder(folder), first)
})

test("RabbitMQ's definitions name the virtual host of the URL, and dots in a queue's name stand for themselves", (t) => {
  const folder = copyOf(t, 'rabbitmq')
  edit(join(folder, 'kustomization.yaml'), 'TIDEMILL_QUEUE=orders', 'TIDEMILL_QUEUE=shop.orders')
  edit(join(folder, 'kustomization.yaml'), '.svc:5672', '.svc:5672/shop')
  const { vhosts, users, permissions } = JSON.parse(rabbitmqDefinitions(readSettingsFolder(folder)))
  assert.deepEqual(vhosts, [{ name: 'shop' }])
  assert.deepEqual(
    users.map(({ name, tags }: { name: string; tags: string[] }) => [name, tags]),
    [
      ['orders-topology', []],
      ['orders-worker', []],
      ['orders-monitor', ['management']],
    ],
  )
  assert.deepEqual(permissions[1], {
    user: 'orders-worker',
    vhost: 'shop',
    configure: '^$',
    write: '^shop\\.orders\\.(work|retry|dead)$',
    read: '^shop\\.orders(\\.suspects)?$',
  })
})

test("Kafka's script makes the accounts and their rights, with no password in an argument", (t) => {
  const folder = copyOf(t, 'kafka')
  const printed = accounts(folder)
  assert.equal(printed.status, 0, printed.stderr)
  const { calls, configs } = runWithStubs(t, printed.stdout)
  const { accounts: made } = readSettingsFolder(folder)
  const passwords = Object.values(made).map(({ password }) => password)
  assert.deepEqual(
    configs,
    passwords.map((password) => `SCRAM-SHA-512=iterations=8192,password=${password}`),
  )
  assert.deepEqual(
    calls.filter((call) => passwords.some((password) => call.includes(password))),
    [],
  )
  const granted = calls.filter((call) => call.startsWith('kafka-acls.sh')).map(rightsIn)
  assert.deepEqual(granted.sort(), [
    'orders-monitor: Describe group orders',
    'orders-monitor: Describe topic orders',
    'orders-monitor: Describe topic orders.*',
    'orders-topology: Create,Describe,DescribeConfigs,Alter topic orders',
    'orders-topology: Create,Describe,DescribeConfigs,Alter topic orders.*',
    'orders-worker: Read,Describe group orders',
    'orders-worker: Read,Describe topic orders',
    'orders-worker: Read,Describe topic orders.retry.*',
    'orders-worker: Write,Describe topic orders.dead',
    'orders-worker: Write,Describe topic orders.retry.*',
  ])
})

test('what is no folder of settings, or has no such accounts, is said', (t) => {
  const folder = copyOf(t, 'rabbitmq')
  const nowhere = accounts(join(folder, 'logins'))
  assert.deepEqual([nowhere.status, nowhere.stdout], [2, ''])
  assert.match(nowhere.stderr, /expected the folder of an overlay's settings, got .*: it has no kustomization.yaml/)
  writeFileSync(join(folder, 'logins', 'monitor'), 'secret\n')
  const broken = accounts(folder)
  assert.match(broken.stderr, /expected a password without a line break/)
  assert.doesNotMatch(broken.stderr, /secret/)
  edit(join(folder, 'kustomization.yaml'), 'name: monitor-login', 'name: watcher-login')
  assert.match(accounts(folder).stderr, /monitor-login: expected a secretGenerator/)
})

function copyOf(t: TestContext, overlay: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidemill-accounts-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(join(KUBERNETES, 'overlays', overlay, 'settings'), folder, { recursive: true })
  return folder
}

function accounts(folder: string) {
  return spawnSync(process.execPath, ['deploy/kubernetes/accounts/main.ts', folder], { cwd: ROOT, encoding: 'utf8' })
}

/** Runs the script as a pod's shell would, by stdin, with commands that write down what they are told. */
function runWithStubs(t: TestContext, script: string): { calls: string[]; configs: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'tidemill-kafka-bin-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  const calls = join(folder, 'calls')
  const configs = join(folder, 'configs')
  const stub = `#!/bin/sh\ncat\necho "$(basename "$0") $*" >>${calls}\n`
  // The last argument is the file with the password.
  writeFileSync(join(bin, 'kafka-configs.sh'), `${stub}for file; do :; done\ncat "$file" >>${configs}\n`)
  writeFileSync(join(bin, 'kafka-acls.sh'), stub)
  for (const name of ['kafka-configs.sh', 'kafka-acls.sh']) chmodSync(join(bin, name), 0o755)
  const env = { PATH: process.env['PATH'], KAFKA_BIN: bin, TMPDIR: folder }
  const { status, stderr } = spawnSync('sh', [], { input: script, env, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  const linesOf = (file: string) => readFileSync(file, 'utf8').trim().split('\n')
  return { calls: linesOf(calls), configs: linesOf(configs) }
}

function rightsIn(call: string): string {
  const [, user] = /--allow-principal User:(\S+)/.exec(call)!
  const operations = Array.from(call.matchAll(/--operation (\S+)/g), ([, operation]) => operation)
  const [, kind, name] = /--(topic|group) (\S+)/.exec(call)!
  return `${user}: ${operations} ${kind} ${name}${call.includes('--resource-pattern-type prefixed') ? '*' : ''}`
}

function edit(file: string, from: string, to: string): void {
  const text = readFileSync(file, 'utf8')
  assert.ok(text.includes(from), `${file} has ${from}`)
  writeFileSync(file, text.replace(from, to))
}
