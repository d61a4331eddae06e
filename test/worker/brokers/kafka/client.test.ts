import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
import { openClient } from '../../../../worker/brokers/kafka/client.ts'
import { SETTINGS, withCode, within } from '../../../conformance/harness.ts'

const settingsOf = (brokerUrl: string) => ({ ...SETTINGS, brokerUrl, queue: 'jobs', connectTimeoutMs: 60_000 })

/** Accepts, and never says a word. */
async function silentPeer(t: { after(undo: () => unknown): void }) {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
  })
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  server.listen(0, '::1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, connected: once(server, 'connection') }
}

test('a client that waits for a silent broker, named by an IPv6 address, ends at once when it is destroyed', async (t) => {
  const peer = await silentPeer(t)
  const client = openClient(settingsOf(`kafka://[::1]:${peer.port}`))
  assert.equal(client.peer, `[::1]:${peer.port}`)
  const refused = assert.rejects(client.admin().connect())
  await within('a connection', peer.connected)
  client.destroy()
  await within('the end', refused)
})

test('a client for another URL is refused', () => {
  assert.throws(() => openClient(settingsOf('amqp://h')), withCode('CONFIG'))
})

test('a connection with nothing to send sets no timer, one with requests that wait does', () => {
  openClient(settingsOf('kafka://h'))
  const queue = new RequestQueue({ logger: { debug() {} } })
  queue.scheduleCheckPendingRequests()
  assert.equal(queue.throttleCheckTimeoutId, null)
  queue.pending.push({})
  queue.scheduleCheckPendingRequests()
  assert.notEqual(queue.throttleCheckTimeoutId, null)
  queue.destroy()
})
