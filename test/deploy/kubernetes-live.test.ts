import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { ConfirmChannel } from 'amqplib'
import { stringify } from 'yaml'
import { namesOf } from '../../worker/brokers/rabbitmq/names.ts'
import { SETTINGS } from '../../worker/settings-table.ts'
import { sharedBroker } from '../helpers/broker.ts'
import { tidemill } from '../helpers/command.ts'
import { startExporter } from '../helpers/exporter-process.ts'
import { Management } from '../helpers/management.ts'
import { startPrometheus } from '../helpers/prometheus.ts'
import { openConnection, uniqueName } from '../helpers/queue.ts'
import { waitFor } from '../helpers/wait.ts'
import { WorkerProcess } from '../helpers/worker-process.ts'
import { adapterRules } from './kubernetes/adapter.ts'
import { KUBERNETES } from './kubernetes/cases.ts'
import { type Manifest, podsOf, select } from './kubernetes/manifest.ts'
import { renderComposition } from './kubernetes/render.ts'
import { type Trigger, triggersOf } from './kubernetes/triggers.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const JOBS = 20

test('what the overlay deploys works on a real broker, each pod with its own account', async (t) => {
  const room = await deployed(t)
  const applied = await tidemill(['topology', 'apply'], { env: room.environmentOf('topology') })
  assert.equal(applied.code, 0, applied.stderr)
  const producer = { TIDEMILL_BROKER_URL: room.adminUrl, TIDEMILL_QUEUE: room.queue }
  const enqueued = await tidemill(['enqueue', '--from', 'orders', '--count', String(JOBS)], { env: producer })
  assert.equal(enqueued.code, 0, enqueued.stderr)

  const [work, suspects] = room.triggers
  await waitFor('KEDA sees the jobs', async () => (await room.asKeda(work!)) === JOBS, { everyMs: 200 })
  await waitFor('KEDA sees no suspects', async () => (await room.asKeda(suspects!)) === 0, { everyMs: 200 })
  const exporter = await startExporter(t, room.environmentOf('exporter'))
  const ready = new RegExp(`^tidemill_queue_ready\\{[^}]*\\} ${JOBS}$`, 'm')
  await waitFor('the exporter sees the jobs', async () => ready.test(await exporter.scrape()), { everyMs: 200 })
  const askedByHpa = await prometheusAdapter(t, exporter.httpPort, room.queue)
  await waitFor('the HPA of hpa-external would see the jobs', async () => (await askedByHpa()) === JOBS)

  const env = { ...room.environmentOf('worker'), EXAMPLES_ROOT: join(room.folder, 'examples') }
  const worker = await WorkerProcess.start(t, 'worker/handlers/orders-worker.ts', { env })
  await waitFor('KEDA sees that all is done', async () => (await room.asKeda(work!)) === 0, { everyMs: 200 })
  await waitFor('and so would the HPA', async () => (await askedByHpa()) === 0)
  worker.signal('SIGTERM')
  assert.deepEqual(await worker.exit(), { code: 0, signal: null }, worker.output)
  assert.doesNotMatch(worker.output, /topology-fault|ACCESS_REFUSED/)
})

test('an account has no more rights than it needs', async (t) => {
  const room = await deployed(t)
  assert.equal((await tidemill(['topology', 'apply'], { env: room.environmentOf('topology') })).code, 0)
  for (const component of ['worker', 'exporter']) {
    const refused = await tidemill(['topology', 'apply'], { env: room.environmentOf(component) })
    assert.equal(refused.code, 1, component)
    assert.match(refused.stderr, /expected the right to configure it/)
  }
  assert.deepEqual(await rightsOf(t, room, 'worker'), {
    read: ['', '.suspects'],
    write: ['.work', '.retry', '.dead'],
  })
  assert.deepEqual(await rightsOf(t, room, 'exporter'), { read: [], write: [] })
  const [work] = room.triggers
  const messages = await room.request(work!, '/get', { count: 1, ackmode: 'ack_requeue_true', encoding: 'auto' })
  assert.ok(messages.status >= 400 && messages.status < 500, `KEDA's account reads no job: ${messages.status}`)
  const foreign = await room.request({ ...work!, metadata: { ...work!.metadata, queueName: 'nobody' } }, '')
  assert.equal(foreign.status, 404)
})

/** What the Prometheus adapter answers by its one rule; undefined where it has no answer. */
async function prometheusAdapter(
  t: TestContext,
  port: number,
  queue: string,
): Promise<() => Promise<number | undefined>> {
  // The operator adds the namespace.
  const target = { targets: [`127.0.0.1:${port}`], labels: { namespace: 'orders' } }
  const config = {
    global: { scrape_interval: '1s' },
    scrape_configs: [{ job_name: 'exporter', static_configs: [target] }],
  }
  const prometheus = await startPrometheus(t, stringify(config))
  const [rule] = adapterRules(KUBERNETES)
  const matchers = `namespace="orders",queue="${queue}"`
  const query = rule!.metricsQuery.replaceAll('<<.LabelMatchers>>', matchers)
  return async () => {
    assert.ok((await prometheus.query(rule!.seriesQuery)).length <= 1, 'one series for each queue')
    const [series, ...others] = await prometheus.query(query)
    assert.equal(others.length, 0, 'one figure for each queue')
    return series && Number(series.value[1])
  }
}

/** Which of the queue's own queues an account may read, and to which exchanges it may write. */
async function rightsOf(t: TestContext, room: Room, component: string): Promise<object> {
  const env = room.environmentOf(component)
  const url = new URL(env['TIDEMILL_BROKER_URL']!)
  url.username = env['TIDEMILL_BROKER_USERNAME']!
  url.password = readFileSync(env['TIDEMILL_BROKER_PASSWORD_FILE']!, 'utf8')
  const connection = await openConnection(t, url.href)
  const may = async (
    suffixes: readonly string[],
    attempt: (channel: ConfirmChannel, name: string) => Promise<unknown>,
  ) => {
    const allowed: string[] = []
    for (const suffix of suffixes) {
      // A refusal ends the channel.
      const channel = await connection.createConfirmChannel()
      channel.on('error', () => undefined)
      if (
        await attempt(channel, `${room.queue}${suffix}`).then(
          () => true,
          () => false,
        )
      )
        allowed.push(suffix)
    }
    return allowed
  }
  return {
    read: await may(['', '.suspects', '.dead', '.retry.1000'], (channel, queue) => channel.get(queue)),
    write: await may(['.work', '.retry', '.dead'], (channel, exchange) => {
      channel.publish(exchange, 'nowhere', Buffer.from('{}'))
      return channel.waitForConfirms()
    }),
  }
}

interface Room {
  readonly folder: string
  readonly queue: string
  readonly adminUrl: string
  readonly triggers: readonly Trigger[]
  /** What the container of a component finds: its variables, its password in a file. */
  environmentOf(component: string): Record<string, string>
  /** The number of messages that KEDA would report. */
  asKeda(trigger: Trigger): Promise<number>
  request(trigger: Trigger, below: string, body?: object): Promise<Response>
}

/** The overlay for a queue of the test's own on the shared broker, with the accounts that the README's command makes. */
async function deployed(t: TestContext): Promise<Room> {
  const broker = await sharedBroker()
  const queue = uniqueName('live')
  mkdirSync(join(ROOT, '.tidemill'), { recursive: true })
  const folder = mkdtempSync(join(ROOT, '.tidemill', 'live-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(KUBERNETES, folder, { recursive: true })
  const settings = join(folder, 'overlays', 'rabbitmq', 'settings')
  const { host } = new URL(broker.url)
  edit(join(settings, 'kustomization.yaml'), [
    ['TIDEMILL_QUEUE=orders', `TIDEMILL_QUEUE=${queue}`],
    [/amqp:\/\/rabbitmq[^\n]*/, `amqp://${host}`],
    [/http:\/\/rabbitmq[^\n]*/, `${broker.managementUrl}/`],
    [/username=orders/g, `username=${queue}`],
  ])
  await makeAccounts(t, settings, queue)
  const { manifests } = await renderComposition(folder, { overlay: 'rabbitmq', add: ['monitoring'] })
  const triggers = manifests.filter(({ kind }) => kind === 'ScaledObject').flatMap(triggersOf)
  const request: Room['request'] = (trigger, below, body) =>
    fetch(`${urlOf(trigger)}${below}`, {
      headers: { authorization: authorizationOf(trigger, manifests), 'content-type': 'application/json' },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    })
  return {
    folder,
    queue,
    adminUrl: broker.url,
    triggers,
    environmentOf: (component) => environmentOf(component, manifests, folder),
    request,
    async asKeda(trigger) {
      const response = await request(trigger, '')
      assert.equal(response.status, 200, await response.clone().text())
      // A queue that was declared a moment ago has no figures, which KEDA takes for 0.
      return ((await response.json()) as { messages?: number }).messages ?? 0
    },
  }
}

async function makeAccounts(t: TestContext, settings: string, queue: string): Promise<void> {
  const management = new Management(await sharedBroker())
  const command = ['deploy/kubernetes/accounts/main.ts', settings]
  const { stdout, stderr, status } = spawnSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  for (const role of ['worker', 'topology', 'monitor']) {
    const password = readFileSync(join(settings, 'logins', role), 'utf8')
    assert.match(password, /^[\w-]{43}$/)
    assert.ok(!stdout.includes(password), 'the definitions hold no password')
    t.after(() => management.delete(`/api/users/${queue}-${role}`))
  }
  t.after(() => removeTopology(management, queue))
  await management.post('/api/definitions', JSON.parse(stdout))
}

async function removeTopology(management: Management, queue: string): Promise<void> {
  const { suspects, dead, workExchange, retryExchange, deadExchange, rung } = namesOf(queue)
  const queues = [queue, suspects, dead, ...SETTINGS.retryLadderMs.fallback!.map(rung)]
  for (const name of queues) await management.delete(`/api/queues/%2F/${name}`)
  for (const name of [workExchange, retryExchange, deadExchange]) await management.delete(`/api/exchanges/%2F/${name}`)
}

function environmentOf(component: string, manifests: readonly Manifest[], folder: string): Record<string, string> {
  const pod = podsOf(manifests).find(({ labels }) => labels['app.kubernetes.io/component'] === component)
  const container = pod!.spec.containers[0]!
  const env: Record<string, string> = {}
  for (const { value: name } of select(container, 'envFrom.*.configMapRef.name')) {
    Object.assign(env, objectOf(manifests, 'ConfigMap', name)['data'])
  }
  for (const { value: variable } of select(container, 'env.*')) {
    const { secretKeyRef } = variable.valueFrom ?? {}
    env[variable.name] = secretKeyRef === undefined ? variable.value : secretIn(manifests, secretKeyRef)
  }
  const [volume] = select(pod!.spec, 'volumes.*.secret')
  const file = join(folder, `password-of-${component}`)
  writeFileSync(file, secretIn(manifests, { name: volume!.value.secretName, key: volume!.value.items[0].key }))
  return { ...env, TIDEMILL_BROKER_PASSWORD_FILE: file }
}

/** The address that KEDA asks: its host's path up to the last slash, then the queue. */
function urlOf({ metadata }: Trigger): string {
  const { host = '', vhostName = '', queueName = '' } = metadata
  return `${host.slice(0, host.lastIndexOf('/'))}/api/queues/${encodeURIComponent(vhostName)}/${queueName}`
}

function authorizationOf({ authenticationRef }: Trigger, manifests: readonly Manifest[]): string {
  const authentication = objectOf(manifests, 'TriggerAuthentication', authenticationRef!.name)
  const [username, password] = ['username', 'password'].map((parameter) => {
    const found = select(authentication, 'spec.secretTargetRef.*').find(({ value }) => value.parameter === parameter)
    return secretIn(manifests, found!.value)
  })
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

function secretIn(manifests: readonly Manifest[], { name, key }: { name: string; key: string }): string {
  const { data } = objectOf(manifests, 'Secret', name) as unknown as { data: Record<string, string> }
  return Buffer.from(data[key]!, 'base64').toString()
}

function objectOf(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name)
  assert.ok(found, `${kind}/${name}`)
  return found
}

function edit(file: string, changes: readonly (readonly [from: string | RegExp, to: string])[]): void {
  let text = readFileSync(file, 'utf8')
  for (const [from, to] of changes) {
    const changed = text.replace(from, to)
    assert.notEqual(changed, text, `${file} has ${from}`)
    text = changed
  }
  writeFileSync(file, text)
}
