import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { ACK, expectBacklog } from '../../../conformance/harness.ts'
import { roomFor } from './room.ts'

const CHANNEL = 1
/** More than amqplib can decode, and few enough bytes for one frame. */
const DEPTH = 12_000

test('headers nested beyond what can be decoded cost one connection; the job arrives without them, its neighbours as they are', async (t) => {
  const room = await roomFor(t)
  await room.send('before')
  await publishDeep(room.url, room.names.workExchange, room.names.queue, Buffer.from('deep'))
  await room.send('after')
  const feed = room.feed()
  const bodies = new Map<string, boolean>()
  while (bodies.size < 3) {
    const delivery = await feed.next()
    const { message } = delivery
    bodies.set(message.idDerived ? Buffer.from(message.body).toString() : message.id, message.idDerived)
    await delivery.settle(ACK)
  }
  assert.deepEqual([...bodies].sort(), [
    ['after', false],
    ['before', false],
    ['deep', true],
  ])
  await expectBacklog(room, { ready: 0, unacknowledged: 0, suspects: 0, dead: 0 })
  const lost = room.told('connection').filter(({ role, status }) => role === 'consume' && status === 'lost')
  assert.equal(lost.length, 1)
})

/** Publishes by hand: no client would write such headers. */
async function publishDeep(url: string, exchange: string, routingKey: string, body: Buffer): Promise<void> {
  const { hostname, port, username, password } = new URL(url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  let received = Buffer.alloc(0)
  const reply = async (classId: number, methodId: number): Promise<void> => {
    const wanted = Buffer.from([0, classId, 0, methodId])
    while (received.indexOf(wanted) < 0) {
      const [chunk] = (await once(socket, 'data')) as [Buffer]
      received = Buffer.concat([received, chunk])
    }
    received = Buffer.alloc(0)
  }
  const method = (channel: number, classId: number, methodId: number, ...parts: Buffer[]) =>
    socket.write(frame(1, channel, Buffer.concat([Buffer.from([0, classId, 0, methodId]), ...parts])))
  socket.write(Buffer.from('AMQP\0\0\x09\x01', 'latin1'))
  await reply(10, 10)
  const login = long(Buffer.from(`\0${decodeURIComponent(username)}\0${decodeURIComponent(password)}`))
  method(0, 10, 11, long(Buffer.alloc(0)), short('PLAIN'), login, short('en_US'))
  await reply(10, 30)
  method(0, 10, 31, Buffer.from([0, 10, 0, 2, 0, 0, 0, 0]))
  method(0, 10, 40, short('/'), short(''), Buffer.from([0]))
  await reply(10, 41)
  method(CHANNEL, 20, 10, short(''))
  await reply(20, 11)
  method(CHANNEL, 85, 10, Buffer.from([0]))
  await reply(85, 11)
  method(CHANNEL, 60, 40, Buffer.from([0, 0]), short(exchange), short(routingKey), Buffer.from([0]))
  const header = Buffer.alloc(14)
  header.writeUInt16BE(60, 0)
  header.writeBigUInt64BE(BigInt(body.length), 4)
  header.writeUInt16BE(0x2000, 12)
  const table = Buffer.concat([short('deep'), nested(DEPTH)])
  socket.write(frame(2, CHANNEL, Buffer.concat([header, long(table)])))
  socket.write(frame(3, CHANNEL, body))
  await reply(60, 80)
  socket.destroy()
}

function frame(type: number, channel: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(7)
  head.writeUInt8(type, 0)
  head.writeUInt16BE(channel, 1)
  head.writeUInt32BE(payload.length, 3)
  return Buffer.concat([head, payload, Buffer.from([0xce])])
}

function short(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])
}

function long(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length, 0)
  return Buffer.concat([length, bytes])
}

/** An array in an array in an array. */
function nested(depth: number): Buffer {
  const bytes = Buffer.alloc(depth * 5)
  for (let level = 0; level < depth; level++) {
    bytes.write('A', level * 5)
    bytes.writeUInt32BE((depth - 1 - level) * 5, level * 5 + 1)
  }
  return bytes
}
