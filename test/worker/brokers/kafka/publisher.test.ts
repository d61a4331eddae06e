import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { Copy } from '../../../../worker/brokers/kafka/copy.ts'
import { Publisher } from '../../../../worker/brokers/kafka/publisher.ts'
import { KafkaSink } from '../../../../worker/brokers/kafka/sink.ts'
import type { BrokerSettings, WorkerEvent } from '../../../../worker/contracts.ts'
import { eventually, jobOf, SETTINGS, withCode, within } from '../../../conformance/harness.ts'

const COPY: Copy = { topic: 'jobs', key: null, value: Buffer.from('{}'), headers: [] }

const settingsOf = (brokerUrl: string, more: Partial<BrokerSettings> = {}): BrokerSettings => ({
  ...SETTINGS,
  queue: 'jobs',
  brokerUrl,
  ...more,
})

/** A port where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A peer that accepts and says nothing. */
async function silentPeer(t: TestContext): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined).resume())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { port: (server.address() as AddressInfo).port, sockets }
}

test('without a broker a record is given back after a while, and connecting goes on with back-off', async (t) => {
  const events: WorkerEvent[] = []
  const settings = settingsOf(`kafka://127.0.0.1:${await closedPort()}`)
  const publisher = new Publisher({ settings, observe: (event) => events.push(event), patienceMs: 200 })
  t.after(() => publisher.close(1_000))
  await assert.rejects(within('the answer', publisher.publish(COPY)), withCode('CONNECTION_LOST'))
  const failures = () => events.filter((event) => event.name === 'connection' && event.status === 'failed')
  await eventually(
    'a second failure',
    () => failures().length,
    (count) => count >= 2,
  )
  assert.equal(publisher.writable, false)
})

test('a peer that says nothing is given up at the deadline, its socket destroyed', async (t) => {
  const { port, sockets } = await silentPeer(t)
  const settings = settingsOf(`kafka://127.0.0.1:${port}`, { connectTimeoutMs: 150 })
  const publisher = new Publisher({ settings, observe: () => undefined, patienceMs: 300 })
  t.after(() => publisher.close(1_000))
  await assert.rejects(within('the answer', publisher.publish(COPY)), withCode('CONNECTION_LOST'))
  await eventually('a closed socket', () => sockets[0]!.closed, Boolean)
})

test('a publisher that was closed while it connects, or before, takes nothing', async (t) => {
  const { port } = await silentPeer(t)
  const settings = settingsOf(`kafka://127.0.0.1:${port}`, { connectTimeoutMs: 60_000 })
  const publisher = new Publisher({ settings, observe: () => undefined, patienceMs: 60_000 })
  const given = assert.rejects(publisher.publish(COPY), withCode('CLOSED'))
  await within('the publisher to close', Promise.all([publisher.close(500), publisher.close(500)]))
  await given
  await assert.rejects(publisher.publish(COPY), withCode('CLOSED'))
  const sink = new KafkaSink(settings, () => undefined)
  await within('the sink to close', sink.close())
  await assert.rejects(sink.send(jobOf('a')), withCode('CLOSED'))
})
