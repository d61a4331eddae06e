import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Connection } from '../../../../worker/brokers/rabbitmq/connection.ts'
import { dial } from '../../../../worker/brokers/rabbitmq/dial.ts'
import type { BrokerSettings, WorkerEvent } from '../../../../worker/contracts.ts'
import { eventually, SETTINGS, withCode } from '../../../conformance/harness.ts'
import { sharedBroker } from '../../../helpers/broker.ts'
import { leakCheck } from '../../../helpers/leaks.ts'
import { FaultProxy } from '../../../load/proxy.ts'

const settingsFor = (brokerUrl: string, overrides: Partial<BrokerSettings> = {}): BrokerSettings => ({
  ...SETTINGS,
  queue: 'connection-test',
  brokerUrl,
  ...overrides,
})

/** A peer that accepts and then behaves as told. */
async function peer(t: TestContext, behave: (socket: Socket) => void): Promise<{ url: string; sockets: Socket[] }> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    socket.resume()
    behave(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { url: `amqp://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets }
}

/** A connection with its events; closed with the test. */
function connect(
  t: TestContext,
  settings: BrokerSettings,
): { connection: Connection; events: WorkerEvent[]; log: string[] } {
  const events: WorkerEvent[] = []
  const log: string[] = []
  const connection = new Connection('consume', settings, (event) => events.push(event), {
    up: () => log.push('up'),
    down: () => log.push('down'),
  })
  t.after(() => connection.close(1_000))
  connection.open()
  return { connection, events, log }
}

test('a peer that accepts and says nothing is given up at the deadline, and its socket destroyed', async (t) => {
  const { url, sockets } = await peer(t, () => undefined)
  const begun = performance.now()
  await assert.rejects(dial(settingsFor(url, { connectTimeoutMs: 150 })), withCode('CONNECT_TIMEOUT'))
  assert.ok(performance.now() - begun < 2_000)
  await eventually('a closed socket', () => sockets[0]!.closed, Boolean)
})

test('a peer that sends a byte now and then is given up at the same deadline', async (t) => {
  const { url, sockets } = await peer(t, (socket) => {
    // The beginning of a method frame of 1,000 bytes, which never ends.
    const frame = Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 3, 232]), Buffer.alloc(1_000)])
    let sent = 0
    const drip = setInterval(() => socket.write(frame.subarray(sent, ++sent)), 20)
    socket.on('close', () => clearInterval(drip))
  })
  const begun = performance.now()
  await assert.rejects(dial(settingsFor(url, { connectTimeoutMs: 300 })), withCode('CONNECT_TIMEOUT'))
  assert.ok(performance.now() - begun < 2_000)
  await eventually('a closed socket', () => sockets[0]!.closed, Boolean)
})

test('a connection that can not be made is tried again, with the settings as they are then', async (t) => {
  const { url } = await sharedBroker()
  const wrong = await peer(t, (socket) => socket.destroy())
  const given = settingsFor(url)
  let reads = 0
  const settings: BrokerSettings = Object.create(given, {
    brokerUrl: { get: () => (reads++ === 0 ? wrong.url : url) },
  })
  const { events, log } = connect(t, settings)
  await eventually('a connection', () => log.length, Boolean)
  const told = events.filter((event) => event.name === 'connection')
  assert.deepEqual(
    told.map(({ status }) => status),
    ['failed', 'connected'],
  )
  assert.ok(told[0]!.error instanceof Error)
  assert.match(told[1]!.peer ?? '', /^RabbitMQ \d/)
})

test('a refused login waits at least five seconds, and closing does not wait for that', async (t) => {
  const { url } = await sharedBroker()
  const { connection, events } = connect(t, settingsFor(url, { brokerUsername: 'nobody', brokerPassword: 'wrong' }))
  const failed = await eventually(
    'the refusal',
    () => events.find((event) => event.name === 'connection'),
    (event) => event !== undefined,
  )
  assert.equal(failed!.status, 'failed')
  assert.match(String(failed!.error), /ACCESS_REFUSED/)
  assert.ok(failed!.retryInMs! >= 5_000, `expected 5 s or more, got ${failed!.retryInMs}`)
  assert.equal(JSON.stringify(events).includes('wrong'), false)
  const begun = performance.now()
  await connection.close(1_000)
  assert.ok(performance.now() - begun < 1_000)
})

test('a broker that falls silent is noticed by its heartbeat, left, and found again', async (t) => {
  const { url } = await sharedBroker()
  const proxy = await FaultProxy.start(url)
  t.after(() => proxy.close())
  const { log, events } = connect(t, settingsFor(proxy.through(url), { heartbeatMs: 1_000 }))
  await eventually('a connection', () => log.length, Boolean)
  proxy.blackhole()
  await eventually('its loss', () => log.includes('down'), Boolean)
  const lost = events.find((event) => event.name === 'connection' && event.status === 'lost')
  assert.match(String(lost && 'error' in lost && lost.error), /Heartbeat timeout/)
  proxy.heal()
  await eventually(
    'a new connection',
    () => log,
    (all) => all.join() === 'up,down,up',
  )
})

test('a connection that is cut comes back, however often, and leaves nothing behind when closed', async (t) => {
  const { url } = await sharedBroker()
  const proxy = await FaultProxy.start(url)
  t.after(() => proxy.close())
  const check = leakCheck()
  const { connection, log } = connect(t, settingsFor(proxy.through(url)))
  for (let round = 1; round <= 3; round++) {
    await eventually(
      'a connection',
      () => log.filter((entry) => entry === 'up').length,
      (ups) => ups === round,
    )
    proxy.cut()
    await eventually(
      'its loss',
      () => log.filter((entry) => entry === 'down').length,
      (downs) => downs === round,
    )
  }
  await connection.close(1_000)
  await connection.close(1_000)
  await eventually(
    'no connection',
    () => proxy.open,
    (open) => open === 0,
  )
  await check()
})
