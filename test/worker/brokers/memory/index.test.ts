import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { MemoryClock } from '../../../../worker/brokers/memory/clock.ts'
import { memoryBroker, openMemory } from '../../../../worker/brokers/memory/index.ts'
import type { MemoryMessage } from '../../../../worker/brokers/memory/message.ts'
import type { Broker, Delivery, Source } from '../../../../worker/contracts.ts'
import { TidemillError } from '../../../../worker/errors.ts'
import { ACK, DEAD, jobOf, RELEASE, RETRY, SETTINGS } from '../../../conformance/harness.ts'

const DAY_MS = 86_400_000
let names = 0
const freshName = () => `unit-${names++}`
const open = (name: string, more = {}): Broker =>
  openMemory({ ...SETTINGS, brokerUrl: `memory://${name}`, queue: 'jobs', ...more }, () => {})

function pull(t: TestContext, broker: Broker): { source: Source; next(): Promise<Delivery> } {
  const source = broker.source()
  t.after(() => source.close())
  const iterator = source.deliveries()[Symbol.asyncIterator]()
  return { source, next: async () => (await iterator.next()).value }
}

class ManualClock implements MemoryClock {
  #nowMs = 1_000
  #timers = new Map<object, { readonly dueAt: number; readonly callback: () => void }>()

  now(): number {
    return this.#nowMs
  }
  setTimeout(callback: () => void, delayMs: number): unknown {
    assert.ok(delayMs < 2 ** 31, `expected a delay that a timer can have, got ${delayMs}`)
    const timer = {}
    this.#timers.set(timer, { dueAt: this.#nowMs + delayMs, callback })
    return timer
  }
  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as object)
  }
  get pending(): number {
    return this.#timers.size
  }
  advance(ms: number): void {
    this.#nowMs += ms
    for (const [timer, { dueAt, callback }] of this.#timers) {
      if (dueAt > this.#nowMs) continue
      this.#timers.delete(timer)
      callback()
    }
  }
}

test('brokers of one name share their queues, others do not', async (t) => {
  const [name, other] = [freshName(), freshName()]
  await open(name).sink().send(jobOf('a'))
  assert.equal((await open(other).backlog().read()).ready, 0)
  assert.equal((await open(`${name}/`).backlog().read()).ready, 1)
  const delivery = await pull(t, open(name)).next()
  assert.equal(delivery.message.id, 'a')
})

test('memory: and memory:// are the broker without a name', async () => {
  for (const [index, brokerUrl] of ['memory:', 'memory://'].entries()) {
    await openMemory({ ...SETTINGS, brokerUrl, queue: 'shared' }, () => {})
      .sink()
      .send(jobOf(`job-${index}`))
  }
  assert.deepEqual(
    memoryBroker()
      .ready('shared')
      .map(({ messageId }) => messageId),
    ['job-0', 'job-1'],
  )
  memoryBroker().clear()
})

for (const brokerUrl of ['memory', 'memory:name', 'memory://a b', 'memory://a/b', 'amqp://localhost']) {
  test(`the URL ${brokerUrl} is refused with what was expected`, () => {
    assert.throws(() => openMemory({ ...SETTINGS, brokerUrl, queue: 'jobs' }, () => {}), /expected memory: or memory:/)
  })
}

test('options after the first mention of a broker are refused', () => {
  const name = freshName()
  memoryBroker(name, { strict: true })
  assert.equal(memoryBroker(name), memoryBroker(name))
  assert.throws(
    () => memoryBroker(name, { strict: false }),
    (error) => error instanceof TidemillError && error.code === 'ILLEGAL_STATE',
  )
})

test('a queue comes into being with its first use, so that a test needs no topology', async (t) => {
  const broker = open(freshName())
  assert.deepEqual(await broker.topology().verify(), [])
  const { source, next } = pull(t, broker)
  assert.equal(source.ready, true)
  await broker.sink().send(jobOf('a'))
  assert.equal((await next()).message.id, 'a')
})

test('a clock that is handed in drives the retries, in the order in which they fall due', async (t) => {
  const name = freshName()
  const clock = new ManualClock()
  const inside = memoryBroker(name, { clock })
  const broker = open(name, { concurrency: 4 })
  for (const id of ['a', 'b', 'c']) await broker.sink().send(jobOf(id))
  const { next } = pull(t, broker)
  for (const delayMs of [3_600_000, 5_000, 5_000]) await (await next()).settle({ ...RETRY, delayMs } as typeof RETRY)
  assert.deepEqual(
    inside.waiting('jobs').map(({ message, dueAt }) => [message.messageId, dueAt]),
    [
      ['b', 6_000],
      ['c', 6_000],
      ['a', 3_601_000],
    ],
  )
  clock.advance(4_999)
  assert.equal(inside.waiting('jobs').length, 3)
  clock.advance(1)
  assert.deepEqual([(await next()).message.id, (await next()).message.id], ['b', 'c'])
  clock.advance(3_595_000)
  const last = await next()
  assert.deepEqual([last.message.id, last.message.attempt], ['a', 2])
  assert.equal(clock.pending, 0)
})

test('a retry of forty days is due after forty days, though no timer is that long', async (t) => {
  const name = freshName()
  const clock = new ManualClock()
  const inside = memoryBroker(name, { clock })
  const broker = open(name)
  await broker.sink().send(jobOf('a'))
  const { next } = pull(t, broker)
  await (await next()).settle({ ...RETRY, delayMs: 40 * DAY_MS } as typeof RETRY)
  for (let day = 0; day < 39; day++) clock.advance(DAY_MS)
  assert.equal(inside.waiting('jobs').length, 1)
  clock.advance(DAY_MS)
  assert.equal((await next()).message.attempt, 2)
})

test("a test runner's own fake timers drive the retries too", async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] })
  const name = freshName()
  const broker = open(name)
  await broker.sink().send(jobOf('a'))
  const { next } = pull(t, broker)
  await (await next()).settle({ ...RETRY, delayMs: 5_000 } as typeof RETRY)
  t.mock.timers.tick(4_999)
  assert.equal(memoryBroker(name).waiting('jobs').length, 1)
  t.mock.timers.tick(1)
  assert.equal((await next()).message.attempt, 2)
})

test('hurry makes every retry due', async (t) => {
  const name = freshName()
  const broker = open(name)
  await broker.sink().send(jobOf('a'))
  const { next } = pull(t, broker)
  await (await next()).settle({ ...RETRY, delayMs: 3_600_000 } as typeof RETRY)
  memoryBroker(name).hurry('jobs')
  assert.equal((await next()).message.attempt, 2)
})

test('idle resolves when the last job is settled and not before', async (t) => {
  const name = freshName()
  const inside = memoryBroker(name)
  const broker = open(name)
  await broker.sink().send(jobOf('a'))
  await broker.sink().send(jobOf('b'))
  const { next } = pull(t, broker)
  let idle = false
  const over = inside.idle('jobs').then(() => {
    idle = true
  })
  await (await next()).settle(DEAD)
  const last = await next()
  await last.settle(RELEASE)
  await new Promise(setImmediate)
  assert.equal(idle, false)
  await (await next()).settle(ACK)
  await over
  assert.deepEqual(
    inside.dead('jobs').map(({ messageId, headers }) => [messageId, headers['tidemill-dead-reason']]),
    [['a', 'permanent']],
  )
})

test('a released job keeps its place in the line, whichever source gives it back', async (t) => {
  const name = freshName()
  const broker = open(name, { concurrency: 2 })
  for (const id of ['a', 'b', 'c', 'd', 'e']) await broker.sink().send(jobOf(id))
  const [one, other] = [pull(t, broker), pull(t, broker)]
  await Promise.all([one.next(), one.next(), other.next(), other.next()])
  await one.source.close()
  await other.source.close()
  const ids = memoryBroker(name)
    .ready('jobs')
    .map(({ messageId }) => messageId)
  assert.deepEqual(ids, ['a', 'b', 'c', 'd', 'e'])
})

test('sources take turns', async (t) => {
  const broker = open(freshName(), { concurrency: 10 })
  const [one, other] = [pull(t, broker), pull(t, broker)]
  for (const id of ['a', 'b', 'c', 'd']) await broker.sink().send(jobOf(id))
  const ids = async (feed: typeof one) => [(await feed.next()).message.id, (await feed.next()).message.id]
  assert.deepEqual(
    [await ids(one), await ids(other)],
    [
      ['a', 'c'],
      ['b', 'd'],
    ],
  )
})

test('the headers of a message are copied on the way in and on the way out', async (t) => {
  const name = freshName()
  const inside = memoryBroker(name)
  const headers: Record<string, string> = { 'x-tenant': 'acme' }
  const message: MemoryMessage = { messageId: 'a', type: 'test', headers, body: Buffer.from('{}') }
  inside.publish('jobs', message)
  headers['x-tenant'] = 'changed'
  const delivery = await pull(t, open(name)).next()
  await delivery.settle(DEAD)
  const dead = inside.dead('jobs')[0]!
  assert.equal(delivery.message.headers['x-tenant'], 'acme')
  assert.equal(dead.headers['x-tenant'], 'acme')
  assert.equal('tidemill-dead-reason' in delivery.message.headers, false)
  assert.equal(dead.body, message.body)
})

test('clear forgets every message, also what is held, and leaves the sources at work', async (t) => {
  const name = freshName()
  const inside = memoryBroker(name)
  const broker = open(name, { concurrency: 1 })
  for (const id of ['a', 'b']) await broker.sink().send(jobOf(id))
  const { next } = pull(t, broker)
  const held = await next()
  inside.clear()
  await held.settle(DEAD)
  assert.deepEqual(inside.dead('jobs'), [])
  await broker.sink().send(jobOf('c'))
  assert.equal((await next()).message.id, 'c')
})

test('an open source keeps the process alive and a closed one does not', () => {
  const room = join(import.meta.dirname, '../../../../worker/brokers/memory/index.ts')
  const program = `
    import { openMemory } from ${JSON.stringify(room)}
    const settings = { ...${JSON.stringify(SETTINGS)}, brokerUrl: 'memory:', queue: 'jobs' }
    const source = openMemory(settings, () => {}).source()
    const pulling = source.deliveries()[Symbol.asyncIterator]().next()
    setTimeout(() => { console.log('alive'); source.close() }, 50).unref()
    await pulling
  `
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', program], {
    encoding: 'utf8',
    timeout: 20_000,
  })
  assert.deepEqual([stdout, status], ['alive\n', 0], stderr)
})
