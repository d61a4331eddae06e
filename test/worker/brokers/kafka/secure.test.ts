import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import kafkajs from 'kafkajs'
import { openKafka } from '../../../../worker/brokers/kafka/index.ts'
import type { BrokerSettings, WorkerEvent } from '../../../../worker/contracts.ts'
import { ACK, DEAD, eventually, Feed, jobOf, RETRY, withCode, within } from '../../../conformance/harness.ts'
import { type Account, PASSWORD, SecureKafka } from '../../../helpers/secure-kafka.ts'
import { copyOf, type KafkaRoom, roomFor } from './room.ts'

const starting = SecureKafka.start()
after(async () => (await starting).stop())

/** A room made by somebody who may do everything; `as` is the same queue for an account that logs in. */
async function secureRoom(t: Parameters<typeof roomFor>[0], overrides: Partial<BrokerSettings> = {}) {
  const kafka = await starting
  const room = await roomFor(t, overrides, kafka.innerUrl)
  const as = (account: Account, more: Partial<BrokerSettings> = {}): BrokerSettings => ({
    ...room.settings,
    brokerUrl: `kafkas://${kafka.address}`,
    brokerUsername: account,
    brokerPassword: PASSWORD,
    tlsCaFile: kafka.caFile,
    ...more,
  })
  return { ...room, kafka, as }
}

const { AclOperationTypes: may, AclResourceTypes: resource, ResourcePatternTypes: pattern } = kafkajs

/** Grants what the README says of the account's role. */
async function grant({ hands, settings: { queue } }: KafkaRoom, account: Account): Promise<void> {
  const rights = {
    producer: [[resource.TOPIC, queue, pattern.LITERAL, [may.WRITE]]],
    worker: [
      [resource.TOPIC, queue, pattern.LITERAL, [may.READ, may.DESCRIBE]],
      [resource.TOPIC, `${queue}.retry.`, pattern.PREFIXED, [may.READ, may.DESCRIBE, may.WRITE]],
      [resource.TOPIC, `${queue}.dead`, pattern.LITERAL, [may.WRITE]],
      [resource.GROUP, queue, pattern.LITERAL, [may.READ]],
    ],
    topology: [[resource.TOPIC, queue, pattern.PREFIXED, [may.CREATE, may.DESCRIBE, may.ALTER]]],
    monitor: [
      [resource.TOPIC, queue, pattern.PREFIXED, [may.DESCRIBE]],
      [resource.GROUP, queue, pattern.LITERAL, [may.DESCRIBE]],
    ],
  } as const
  const acl = rights[account].flatMap(([resourceType, resourceName, resourcePatternType, operations]) =>
    operations.map((operation) => ({
      resourceType,
      resourceName,
      resourcePatternType,
      principal: `User:${account}`,
      host: '*',
      operation,
      permissionType: kafkajs.AclPermissionTypes.ALLOW,
    })),
  )
  await hands.admin.createAcls({ acl })
}

for (const saslMechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
  test(`with TLS and ${saslMechanism} a job gets through, each account with no right more than it needs`, async (t) => {
    const room = await secureRoom(t)
    for (const account of ['topology', 'producer', 'worker', 'monitor'] as const) await grant(room, account)
    const open = (account: Account) =>
      openKafka(room.as(account, { saslMechanism }), (event) => room.events.push(event))
    await within('the topology', open('topology').topology().apply())
    assert.deepEqual(await within('the faults', open('worker').topology().verify()), [])
    const sink = open('producer').sink()
    room.defer(() => sink.close())
    for (const id of ['a', 'b', 'c']) await within('the confirm', sink.send(jobOf(id)))
    const feed = new Feed({ ...room, broker: open('worker') } as unknown as ConstructorParameters<typeof Feed>[0])
    assert.equal(await (await feed.next()).settle(ACK), true)
    assert.equal(await within('the settlement', (await feed.next()).settle(RETRY)), true)
    assert.equal(await within('the settlement', (await feed.next()).settle(DEAD)), true)
    const again = await feed.next()
    assert.deepEqual([again.message.id, again.message.attempt], ['b', 2])
    assert.equal(await again.settle(ACK), true)
    const backlog = open('monitor').backlog()
    room.defer(() => backlog.close())
    const reading = () => within('the reading', backlog.read())
    const { consumers } = await eventually('nothing left', reading, ({ ready, waiting, dead }) => {
      return ready === 0 && waiting === 0 && dead === 1
    })
    assert.equal(consumers, 1)
  })
}

test('a topic that may not be written to refuses its records and no other', async (t) => {
  const room = await secureRoom(t)
  await grant(room, 'worker')
  await room.hands.make(room.settings.queue)
  await room.hands.make(`${room.settings.queue}.dead`)
  const publisher = room.publisher(room.as('worker'))
  const [good, bad] = await within(
    'the answers',
    Promise.allSettled([
      publisher.publish(copyOf(`${room.settings.queue}.dead`, 'a')),
      publisher.publish(copyOf(room.settings.queue, 'b')),
    ]),
  )
  assert.equal(good.status, 'fulfilled')
  withCode('REFUSED')((bad as PromiseRejectedResult).reason)
})

const failures = (events: readonly WorkerEvent[]) =>
  events.flatMap((event) => (event.name === 'connection' && event.status === 'failed' ? [event] : []))

test('a wrong password is told as such, waited after, and shown nowhere', async (t) => {
  const room = await secureRoom(t)
  const publisher = room.publisher(room.as('worker', { brokerPassword: 'hunter22' }), 500)
  await assert.rejects(within('the answer', publisher.publish(copyOf('jobs', 'a'))), withCode('CONNECTION_LOST'))
  const [first] = failures(room.events)
  assert.match(String(first!.error), /authentication/i)
  assert.ok(!String(first!.error).includes('hunter22'))
  assert.ok(first!.retryInMs! >= 5_000, `expected a long wait, got ${first!.retryInMs} ms`)
})

test('a certificate of somebody else is not trusted; a file that was exchanged is read at the next try', async (t) => {
  const room = await secureRoom(t)
  await grant(room, 'worker')
  await room.hands.make(`${room.settings.queue}.dead`)
  const other = join(dirname(room.kafka.caFile), 'other.pem')
  await room.kafka.makeCertificate(other, 'other')
  const publisher = room.publisher(room.as('worker', { tlsCaFile: other }))
  const published = publisher.publish(copyOf(`${room.settings.queue}.dead`, 'a'))
  const [first] = await eventually(
    'a failure',
    () => failures(room.events),
    ({ length }) => length > 0,
  )
  assert.match(String(first!.error), /certificate/i)
  copyFileSync(room.kafka.caFile, other)
  await within('the confirm', published)
})
