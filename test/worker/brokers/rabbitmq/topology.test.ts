import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openRabbitMq } from '../../../../worker/brokers/rabbitmq/index.ts'
import { namesOf } from '../../../../worker/brokers/rabbitmq/names.ts'
import { planOf } from '../../../../worker/brokers/rabbitmq/plan.ts'
import { hasUnlimitedDeliveries, nackIsFree, versionOf } from '../../../../worker/brokers/rabbitmq/version.ts'
import type { BrokerSettings } from '../../../../worker/contracts.ts'
import { TidemillError } from '../../../../worker/errors.ts'
import { ACK, eventually, expectBacklog, Feed, SETTINGS } from '../../../conformance/harness.ts'
import { sharedBroker } from '../../../helpers/broker.ts'
import { Management } from '../../../helpers/management.ts'
import { uniqueName } from '../../../helpers/queue.ts'
import { roomFor } from './room.ts'

const settings: BrokerSettings = {
  ...SETTINGS,
  brokerUrl: 'amqp://host',
  queue: 'orders',
  retryLadderMs: [1_000, 5_000],
}

test('features are known by version, and what is no version gets the most careful rules', () => {
  const cases: [text: unknown, unlimited: boolean, free: boolean][] = [
    ['3.10.8', false, false],
    ['3.13.7', false, false],
    ['4.0.0', true, false],
    ['4.2.9', true, false],
    ['4.3.0', true, true],
    ['4.10.1+rc', true, true],
    ['5.0.0', true, true],
    ['', false, false],
    [undefined, false, false],
    ['main', false, false],
  ]
  for (const [text, unlimited, free] of cases) {
    assert.equal(hasUnlimitedDeliveries(versionOf(text)), unlimited, String(text))
    assert.equal(nackIsFree(versionOf(text)), free, String(text))
  }
})

test('every queue is a durable quorum queue that refuses when full, and dead letters are never deleted for being read', () => {
  const planned = (version?: string) =>
    planOf(settings, namesOf('orders'), version === undefined ? undefined : versionOf(version))
  const items = planned('4.2.0').map(({ item }) => item)
  const queues = items.filter(({ kind }) => kind === 'queue')
  assert.deepEqual(queues.map(({ name }) => name).sort(), [
    'orders',
    'orders.dead',
    'orders.retry.1000',
    'orders.retry.5000',
    'orders.suspects',
  ])
  for (const { settings: args } of queues) {
    assert.deepEqual([args['durable'], args['x-queue-type'], args['x-overflow']], [true, 'quorum', 'reject-publish'])
    assert.equal(Object.hasOwn(args, 'x-expires'), false)
  }
  const dead = (version?: string) =>
    planned(version).find(({ item }) => item.name === 'orders.dead' && item.kind === 'queue')
  assert.equal(dead('4.0.0')!.item.settings['x-delivery-limit'], -1)
  for (const version of ['3.10.8', undefined]) {
    assert.equal(Object.hasOwn(dead(version)!.item.settings, 'x-delivery-limit'), false)
  }
  const work = queues.find(({ name }) => name === 'orders')!.settings
  assert.equal(work['x-delivery-limit'], 50)
  assert.equal(work['x-dead-letter-strategy'], 'at-least-once')
})

test('a queue of that name with other settings is a conflict that says what was expected and what is there', async (t) => {
  const room = await roomFor(t, { retryLadderMs: [1_000] })
  const queue = uniqueName()
  const names = namesOf(queue)
  const rung = {
    'x-queue-type': 'quorum',
    'x-message-ttl': 7,
    'x-dead-letter-exchange': names.workExchange,
    'x-dead-letter-routing-key': queue,
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  }
  await room.channel.assertQueue(names.rung(1_000), { arguments: rung })
  await room.channel.assertQueue(names.dead, { durable: true })
  const topology = openRabbitMq({ ...room.settings, queue }, () => undefined).topology()
  try {
    await assert.rejects(topology.apply(), (error) => {
      assert.ok(error instanceof TidemillError)
      assert.equal(error.code, 'TOPOLOGY_CONFLICT')
      assert.match(error.message, /queue \S+\.dead: expected x-overflow to be 'reject-publish', got none/)
      assert.match(error.message, /queue \S+\.retry\.1000: expected x-message-ttl to be '1000', got '7'/)
      return true
    })
  } finally {
    const { queue: work, suspects, dead, workExchange, retryExchange, deadExchange } = names
    for (const name of [names.rung(1_000), dead, work, suspects]) await room.channel.deleteQueue(name)
    for (const name of [workExchange, retryExchange, deadExchange]) await room.channel.deleteExchange(name)
  }
})

test('a worker runs with configure ^$, write on its exchanges and read on its queues, and verify finds no fault', async (t) => {
  const room = await roomFor(t)
  const broker = await sharedBroker()
  const management = new Management(broker)
  const user = uniqueName('worker')
  const escaped = room.names.queue.replaceAll('.', '\\.')
  await management.put(`/api/users/${user}`, { password: 'secret', tags: '' })
  t.after(() => management.delete(`/api/users/${user}`))
  await management.put(`/api/permissions/%2F/${user}`, {
    configure: '^$',
    write: `^${escaped}\\.(work|retry|dead)$`,
    read: `^${escaped}(\\.suspects)?$`,
  })
  const restricted = { ...room.settings, brokerUsername: user, brokerPassword: 'secret' }
  const own = openRabbitMq(restricted, (event) => room.events.push(event))
  assert.deepEqual(await own.topology().verify(), [])
  await assert.rejects(own.topology().apply(), /expected the right to configure it/)
  await room.send('ack', 'retry', 'dead')
  const feed = new Feed({ ...room, broker: own })
  const outcomes = {
    ack: ACK,
    retry: { kind: 'retry', delayMs: 1_000, reason: 'error', counted: true },
    dead: { kind: 'dead', reason: 'permanent' },
  } as const
  for (const delivery of await feed.take(3)) {
    assert.equal(await delivery.settle(outcomes[delivery.message.id as keyof typeof outcomes]), true)
  }
  await expectBacklog(room, { dead: 1 })
  assert.equal((await feed.next()).message.id, 'retry')
  assert.deepEqual(room.told('topology-fault'), [])
  assert.deepEqual(room.told('consumer-lost'), [])
  await eventually('the source to be ready', () => feed.source.ready, Boolean)
})
