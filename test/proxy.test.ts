import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { waitFor } from './helpers/wait.ts'
import { type Direction, FaultProxy, type Listener } from './load/proxy.ts'

/** A connection by way of a proxy to a server that sends back what it gets. */
async function echo(t: TestContext, listen?: () => Listener): Promise<{ proxy: FaultProxy; client: Socket }> {
  const server = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const proxy = await FaultProxy.start(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, 0, listen)
  t.after(() => proxy.close())
  const client = connect(proxy.port, '127.0.0.1').on('error', () => undefined)
  t.after(() => client.destroy())
  return { proxy, client }
}

async function received(client: Socket, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of client) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= bytes) break
  }
  return Buffer.concat(chunks)
}

test('all bytes go on as they came, and whoever listens is told each of them', async (t) => {
  const heard = { up: [] as Buffer[], down: [] as Buffer[] }
  const { client } = await echo(t, () => (direction: Direction, chunk) => heard[direction].push(chunk))
  const sent = randomBytes(300_000)
  client.write(sent)
  for (const bytes of [await received(client, sent.length), Buffer.concat(heard.up), Buffer.concat(heard.down)]) {
    assert.ok(bytes.equals(sent), `${bytes.length} of ${sent.length} bytes came, or others`)
  }
})

test('what is on its way when a delay ends is not overtaken', async (t) => {
  let chunks = 0
  const { proxy, client } = await echo(t, () => (direction: Direction) => {
    if (direction === 'up') chunks += 1
  })
  proxy.delay(1_000)
  client.setNoDelay(true)
  for (let n = 1; n <= 3; n += 1) {
    client.write(String(n))
    await waitFor('the proxy has it', () => chunks === n)
  }
  proxy.heal()
  client.write('4')
  // Each that comes lets the oldest go.
  assert.equal((await received(client, 1)).toString(), '1')
})
