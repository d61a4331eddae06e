import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Options } from 'amqplib'
import { sharedBroker } from '../helpers/broker.ts'
import { waitFor } from '../helpers/wait.ts'
import { Scenario } from './scenario.ts'

const GOOD = Buffer.from('{"ms":80,"mood":"good"}')

interface Hostile {
  readonly name: string
  readonly body: Buffer
  readonly options?: Partial<Options.Publish>
  /** What becomes of it: `done`, or the reason of its dead letter. */
  readonly fate: 'done' | 'invalid-payload' | 'unknown-type'
}

const text = (json: string) => Buffer.from(json)
const deep = (open: string, close: string, depth: number) => text(open.repeat(depth) + close.repeat(depth))

const HOSTILE: readonly Hostile[] = [
  { name: 'nothing', body: Buffer.alloc(0), fate: 'invalid-payload' },
  { name: 'invalid UTF-8', body: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), fate: 'invalid-payload' },
  { name: 'half a character', body: Buffer.concat([text('{"a":"'), Buffer.from([0xc3])]), fate: 'invalid-payload' },
  { name: 'no JSON', body: text('{"ms":80,'), fate: 'invalid-payload' },
  { name: 'a byte order mark and NaN', body: text('\ufeffNaN'), fate: 'invalid-payload' },
  { name: 'null', body: text('null'), fate: 'invalid-payload' },
  { name: 'the wrong shape', body: text('{"ms":"80","mood":"good"}'), fate: 'invalid-payload' },
  { name: 'one field too many', body: text('{"ms":80,"mood":"good","admin":true}'), fate: 'invalid-payload' },
  { name: '__proto__', body: text('{"ms":80,"mood":"good","__proto__":{"polluted":1}}'), fate: 'invalid-payload' },
  {
    name: 'an escaped __proto__',
    body: text('{"ms":80,"mood":"good","\\u005f_proto__":{"polluted":1}}'),
    fate: 'invalid-payload',
  },
  {
    name: 'constructor.prototype',
    body: text('{"ms":80,"mood":"good","constructor":{"prototype":{"polluted":1}}}'),
    fate: 'invalid-payload',
  },
  { name: 'deep arrays', body: deep('[', ']', 100_000), fate: 'invalid-payload' },
  { name: 'deep objects', body: deep('{"a":', '}', 50_000), fate: 'invalid-payload' },
  { name: 'too many bytes', body: Buffer.alloc(3 * 1024 * 1024, 0x20), fate: 'invalid-payload' },
  {
    name: 'a bomb of gzip',
    body: gzipSync(Buffer.alloc(50 * 1024 * 1024)),
    options: { contentEncoding: 'gzip' },
    fate: 'invalid-payload',
  },
  { name: 'an encoding that is none', body: GOOD, options: { contentEncoding: 'rot13\n' }, fate: 'invalid-payload' },
  { name: 'a type of nobody', body: GOOD, options: { type: 'evil.type\n\u001b[31m' }, fate: 'unknown-type' },
  { name: 'a type of Object.prototype', body: GOOD, options: { type: 'constructor' }, fate: 'unknown-type' },
  { name: 'a forged delivery count', body: GOOD, options: { headers: { 'x-delivery-count': 99 } }, fate: 'done' },
  { name: 'a forged crash count', body: GOOD, options: { headers: { 'tidemill-crashes': 99 } }, fate: 'done' },
  { name: 'a forged attempt, negative', body: GOOD, options: { headers: { 'tidemill-attempt': -5 } }, fate: 'done' },
  { name: 'a forged attempt, text', body: GOOD, options: { headers: { 'tidemill-attempt': 'evil' } }, fate: 'done' },
  {
    name: 'a forged x-death',
    body: GOOD,
    options: { headers: { 'x-death': [{ count: 2 ** 40, queue: 'evil' }] } },
    fate: 'done',
  },
  { name: 'a header __proto__', body: GOOD, options: { headers: headerNamedProto() }, fate: 'done' },
  { name: 'large headers', body: GOOD, options: { headers: { evil: 'e'.repeat(50_000) } }, fate: 'done' },
  {
    name: 'large headers on poison',
    body: text('{'),
    options: { headers: { evil: 'e'.repeat(60_000) } },
    fate: 'invalid-payload',
  },
  { name: 'headers of every type', body: text('{'), options: { headers: everyType() }, fate: 'invalid-payload' },
  { name: 'a date far off', body: GOOD, options: { timestamp: 2 ** 52 }, fate: 'done' },
  { name: 'an expiration', body: text('{'), options: { expiration: '60000', priority: 9 }, fate: 'invalid-payload' },
  { name: 'an unclean id', body: GOOD, options: { messageId: 'evil\r\n\u0000\u001b[2J"{}' }, fate: 'done' },
]

const idOf = (n: number) => HOSTILE[n]?.options?.messageId ?? `hostile-${n}`

test('hostile messages are dead-lettered as they are or done, and harm neither the workers nor the good jobs', async (t) => {
  const scenario = await Scenario.open(t, {
    broker: await sharedBroker(),
    env: { TIDEMILL_RETRY_MIN_DELAY_MS: '200', TIDEMILL_RETRY_ATTEMPTS: '2' },
  })
  const { trickle, queue } = scenario
  const workers = await scenario.addWorkers(2)
  trickle.start()
  await scenario.untilDone(50)
  await scenario.untilBusy(5)

  const sender = await queue.connection.createConfirmChannel()
  for (const [n, { body, options }] of HOSTILE.entries()) {
    const properties = { messageId: idOf(n), type: 'fault.job', contentType: 'application/json', ...options }
    sender.publish(`${queue.queue}.work`, queue.queue, body, { persistent: true, ...properties })
  }
  await sender.waitForConfirms()
  const ids = HOSTILE.map((_, n) => idOf(n))
  trickle.confirmed.push(...ids)
  const planted = ids.filter((_, n) => HOSTILE[n]?.fate !== 'done')
  const isSettled = async () => {
    const done = new Set((await scenario.ledger()).done.map(({ id }) => id))
    const { messageCount } = await sender.checkQueue(`${queue.queue}.dead`)
    return messageCount >= planted.length && ids.every((id) => planted.includes(id) || done.has(id))
  }
  await waitFor('each hostile message is settled', isSettled, { timeoutMs: 20_000, everyMs: 200 })
  await scenario.untilDone(50)

  for (const worker of workers) {
    assert.ok(worker.isRunning, worker.output.slice(-4_000))
    const metrics = await (await fetch(`http://127.0.0.1:${worker.httpPort}/metrics`)).text()
    assert.match(metrics, /fault\.job/)
    assert.doesNotMatch(metrics, /evil|constructor|rot13/, 'a message made a metric')
  }
  const { dead, verdict } = await scenario.finish(planted)
  assert.deepEqual(verdict.deadIds.toSorted(), planted.toSorted())
  assert.deepEqual(verdict.duplicated, [])
  for (const { properties, content } of dead) {
    const { name, fate, body } = HOSTILE[ids.indexOf(String(properties.messageId))]!
    assert.equal(properties.headers?.['tidemill-dead-reason'], fate, name)
    assert.ok(content.equals(body), `${name}: the body changed`)
  }
  for (const worker of workers) {
    for (const line of worker.output.split('\n').filter(Boolean)) {
      assert.doesNotThrow(() => JSON.parse(line), `a line of the log is no JSON: ${line.slice(0, 200)}`)
    }
  }
})

/** JSON makes it a field of its own, as it comes from the wire; an object literal would set the prototype. */
function headerNamedProto(): Record<string, unknown> {
  return JSON.parse('{"__proto__":{"x-delivery-count":99,"polluted":1}}')
}

function everyType(): Record<string, unknown> {
  return {
    number: 2 ** 40,
    fraction: 0.5,
    yes: true,
    nothing: null,
    bytes: Buffer.from([0, 255]),
    list: [1, 'two', [3]],
    table: { a: { b: 'c' } },
    date: { '!': 'timestamp', value: 2 ** 40 },
    decimal: { '!': 'decimal', value: { digits: 1, places: 200 } },
    'x-death': [{ count: 7 }],
    'a\nname': 'a\r\nvalue',
  }
}
