import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { waitFor } from '../helpers/wait.ts'
import type { Outcome, Scenario } from './scenario.ts'
import type { Stage } from './stage.ts'

/** A message of somebody who means ill, and what becomes of it. `X`: what only one broker can do. */
export interface Hostile<X = never> {
  readonly name: string
  readonly body: Buffer
  readonly id?: string
  readonly type?: string
  readonly encoding?: string
  readonly headers?: Readonly<Record<string, string | number>>
  readonly special?: X
  /** `done`, or the reason of its dead letter. */
  readonly fate: 'done' | 'invalid-payload' | 'unknown-type'
}

export const GOOD = Buffer.from('{"ms":80,"mood":"good"}')
/** What the workers are told, so that bodies that are too long pass the brokers. */
const MAX_BODY_BYTES = 500_000

export const text = (json: string) => Buffer.from(json)
const deep = (open: string, close: string, depth: number) => text(open.repeat(depth) + close.repeat(depth))

export const HOSTILE: readonly Hostile[] = [
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
  { name: 'too many bytes', body: Buffer.alloc(MAX_BODY_BYTES + 1, 0x20), fate: 'invalid-payload' },
  {
    name: 'a bomb of gzip',
    body: gzipSync(Buffer.alloc(50 * 1024 * 1024)),
    encoding: 'gzip',
    fate: 'invalid-payload',
  },
  { name: 'an encoding that is none', body: GOOD, encoding: 'rot13\n', fate: 'invalid-payload' },
  { name: 'a type of nobody', body: GOOD, type: 'evil.type\n\u001b[31m', fate: 'unknown-type' },
  { name: 'a type of Object.prototype', body: GOOD, type: 'constructor', fate: 'unknown-type' },
  { name: 'a forged crash count', body: GOOD, headers: { 'tidemill-crashes': 99 }, fate: 'done' },
  { name: 'a forged attempt, negative', body: GOOD, headers: { 'tidemill-attempt': -5 }, fate: 'done' },
  { name: 'a forged attempt, text', body: GOOD, headers: { 'tidemill-attempt': 'evil' }, fate: 'done' },
  { name: 'large headers', body: GOOD, headers: { evil: 'e'.repeat(50_000) }, fate: 'done' },
  { name: 'large headers on poison', body: text('{'), headers: { evil: 'e'.repeat(60_000) }, fate: 'invalid-payload' },
  { name: 'an unclean id', body: GOOD, id: 'evil\r\n\u0000\u001b[2J"{}', fate: 'done' },
]

/** The environment of workers that hostile messages are for. */
export const HOSTILE_ENV = {
  TIDEMILL_RETRY_MIN_DELAY_MS: '200',
  TIDEMILL_RETRY_ATTEMPTS: '2',
  TIDEMILL_MAX_BODY_BYTES: String(MAX_BODY_BYTES),
}

/**
 * Sends hostile messages among good jobs: each is dead-lettered as it is or done, and neither the workers nor the good jobs are harmed.
 * @param send hands one to the broker, with this id
 */
export async function sendHostile<X>(
  scenario: Scenario<Stage>,
  cases: readonly Hostile<X>[],
  send: (hostile: Hostile<X>, id: string) => Promise<void>,
): Promise<Outcome & { ids: string[] }> {
  const { trickle, stage } = scenario
  const workers = await scenario.addWorkers(2)
  trickle.start()
  await scenario.untilDone(50)
  await scenario.untilBusy(5)

  const ids = cases.map(({ id }, n) => id ?? `hostile-${n}`)
  await Promise.all(cases.map((hostile, n) => send(hostile, ids[n]!)))
  trickle.confirmed.push(...ids)
  const planted = ids.filter((_, n) => cases[n]?.fate !== 'done')
  const isSettled = async () => {
    const done = new Set((await scenario.ledger()).done.map(({ id }) => id))
    return (await stage.countDead()) >= planted.length && ids.every((id) => planted.includes(id) || done.has(id))
  }
  await waitFor('each hostile message is settled', isSettled, { timeoutMs: 20_000, everyMs: 200 })
  await scenario.untilDone(50)

  for (const worker of workers) {
    assert.ok(worker.isRunning, worker.output.slice(-4_000))
    const metrics = await (await fetch(`http://127.0.0.1:${worker.httpPort}/metrics`)).text()
    assert.match(metrics, /fault\.job/)
    assert.doesNotMatch(metrics, /evil|constructor|rot13/, 'a message made a metric')
  }
  const outcome = await scenario.finish(planted)
  const { dead, verdict } = outcome
  assert.deepEqual(verdict.deadIds.toSorted(), planted.toSorted())
  assert.deepEqual(verdict.duplicated, [])
  for (const { id, body, headers } of dead) {
    const { name, fate, body: sent } = cases[ids.indexOf(id)]!
    assert.equal(headers['tidemill-dead-reason'], fate, name)
    assert.ok(body.equals(sent), `${name}: the body changed`)
  }
  for (const worker of workers) {
    for (const line of worker.output.split('\n').filter(Boolean)) {
      assert.doesNotThrow(() => JSON.parse(line), `a line of the log is no JSON: ${line.slice(0, 200)}`)
    }
  }
  return { ...outcome, ids }
}
