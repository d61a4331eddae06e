import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import kafkajs, { type IHeaders } from 'kafkajs'
import type { Header } from '../../worker/brokers/kafka/headers.ts'
import { HEADER } from '../../worker/brokers/kafka/names.ts'
import { sharedKafka } from '../helpers/kafka.ts'
import { waitFor } from '../helpers/wait.ts'
import { GOOD, HOSTILE, HOSTILE_ENV, type Hostile, sendHostile, text } from './hostile.ts'
import { openOnKafka, SESSION_TIMEOUT_MS } from './kafka-scenario.ts'
import { blockRetries, killByJob, POISONED, RETRYING, sendPoison } from './plays.ts'
import { stop } from './scenario.ts'

/** What only Kafka can carry. */
interface Special {
  readonly key?: Buffer
  readonly value?: null
  readonly headers?: IHeaders
  /** Headers that kafkajs can't write. */
  readonly raw?: readonly Header[]
}

const SPECIAL: readonly Hostile<Special>[] = [
  {
    name: 'a tombstone',
    body: Buffer.alloc(0),
    special: { key: Buffer.from('k'), value: null },
    fate: 'invalid-payload',
  },
  { name: 'a tombstone without a key', body: Buffer.alloc(0), special: { value: null }, fate: 'invalid-payload' },
  {
    name: 'a key that is no text',
    body: text('{'),
    special: { key: Buffer.from([0xff, 0, 0xfe]) },
    fate: 'invalid-payload',
  },
  { name: 'an empty key', body: GOOD, special: { key: Buffer.alloc(0) }, fate: 'done' },
  { name: 'a long key', body: GOOD, special: { key: Buffer.alloc(100_000, 'k') }, fate: 'done' },
  { name: 'a record that is as large as the topic takes', body: Buffer.alloc(1_048_000), fate: 'invalid-payload' },
  {
    name: 'headers that are no text',
    body: text('{'),
    special: { headers: { evil: Buffer.from([0xff, 0xfe, 0]), 'a\nname': 'a\r\nvalue', '': 'nameless' } },
    fate: 'invalid-payload',
  },
  {
    name: 'headers that come again',
    body: text('{'),
    special: { headers: { evil: ['one', Buffer.from([0xff]), 'one'], 'tidemill-attempt': ['7', 'evil'] } },
    fate: 'invalid-payload',
  },
  {
    name: 'headers without a value, and in an order of their own',
    body: text('{'),
    special: {
      raw: [
        ['b', null],
        ['a', Buffer.alloc(0)],
        ['b', Buffer.from([0xff])],
        ['tidemill-attempt', null],
      ],
    },
    fate: 'invalid-payload',
  },
  {
    name: 'a header __proto__',
    body: GOOD,
    special: { headers: JSON.parse('{"__proto__":"polluted","constructor":"polluted"}') },
    fate: 'done',
  },
  {
    name: 'a forged origin and fate',
    body: GOOD,
    special: {
      headers: {
        'tidemill-topic': '__consumer_offsets',
        'tidemill-offset': '-1',
        'tidemill-dead-reason': 'crash-loop',
      },
    },
    fate: 'done',
  },
  {
    name: 'an attempt beyond all bounds',
    body: GOOD,
    special: { headers: { 'tidemill-attempt': '9'.repeat(400) } },
    fate: 'done',
  },
  { name: 'a date that is none', body: GOOD, special: { headers: { 'tidemill-enqueued-at': '-1e999' } }, fate: 'done' },
]

suite('poison on Kafka', { concurrency: 2 }, () => {
  test('of 60 jobs on Kafka, the one that kills its process is dead-lettered, and no other', async (t) => {
    const scenario = await openOnKafka(t, await sharedKafka())
    const { deaths } = await killByJob(scenario, 20 * SESSION_TIMEOUT_MS)
    t.diagnostic(`${deaths} deaths`)
    assert.ok(deaths <= 9, `the killer killed ${deaths} times`)
  })

  test('poison on Kafka is dead-lettered after exactly its tries, byte for byte, and good jobs do not suffer', async (t) => {
    const scenario = await openOnKafka(t, await sharedKafka(), { trickle: POISONED })
    const { dead } = await sendPoison(scenario)
    assert.ok((await scenario.stage.records()).assertCopies() > dead.length, 'retries are copies as well')
  })

  test('while retries can not be written to Kafka, jobs are held and none is lost; all is well again by itself', async (t) => {
    const scenario = await openOnKafka(t, await sharedKafka(), { trickle: RETRYING })
    const { admin, topics } = scenario.stage.made
    const limit = async (bytes: number) => {
      const configEntries = [{ name: 'max.message.bytes', value: String(bytes) }]
      const resources = [...topics.retries.values()].map((name) => ({
        type: kafkajs.ConfigResourceTypes.TOPIC,
        name,
        configEntries,
      }))
      await admin.alterConfigs({ validateOnly: false, resources })
    }
    await blockRetries(
      scenario,
      () => limit(1),
      () => limit(1_000_000),
    )
  })

  test('hostile records are dead-lettered as they are or done, and harm neither the workers nor the good jobs', async (t) => {
    const scenario = await openOnKafka(t, await sharedKafka(), { env: HOSTILE_ENV })
    const { stage } = scenario
    const send = async ({ body, type, encoding, headers = {}, special = {} }: Hostile<Special>, id: string) => {
      if (special.raw !== undefined) {
        const named: Header[] = [
          [HEADER.id, Buffer.from(id)],
          [stage.made.settings.typeHeader, Buffer.from('fault.job')],
        ]
        await stage.publish({ key: null, value: body, headers: [...special.raw, ...named] })
        return
      }
      const plain = Object.entries(headers).map(([name, value]) => [name, String(value)])
      await stage.send([
        {
          id,
          key: special.key ?? null,
          value: special.value === null ? null : body,
          headers: {
            ...Object.fromEntries(plain),
            ...(type !== undefined && { [stage.made.settings.typeHeader]: type }),
            ...(encoding !== undefined && { 'content-encoding': encoding }),
            ...special.headers,
          },
        },
      ])
    }
    const { dead } = await sendHostile(scenario, [...HOSTILE, ...SPECIAL], send)
    assert.ok((await stage.records()).assertCopies() >= dead.length)
  })

  test('1,000 retries that wait for a minute hold no slot and no fresh job', async (t) => {
    const waiting = 1_000
    const scenario = await openOnKafka(t, await sharedKafka(), {
      settings: { retryLadderMs: [200, 60_000] },
      trickle: { key: () => undefined, durationsMs: [0, 5] },
      env: { TIDEMILL_RETRY_LADDER_MS: '200,60000', TIDEMILL_CONCURRENCY: '4' },
    })
    const { trickle, stage } = scenario
    const worker = await scenario.addWorker()
    for (let n = 0; n < waiting; n += 1) trickle.send('later')
    await trickle.stop()
    await waitFor('they wait for their next try', async () => (await stage.records()).retries.length >= waiting, {
      timeoutMs: 30_000,
      everyMs: 500,
    })
    const since = performance.now()
    const fresh = Array.from({ length: 300 }, () => trickle.send('good'))
    await trickle.stop()
    await scenario.untilDoneAre(fresh)
    t.diagnostic(`${fresh.length} fresh jobs were done in ${Math.round(performance.now() - since)} ms`)
    const ledger = await scenario.ledger()
    const tries = ledger.started.filter(({ id }) => !fresh.includes(id)).length
    assert.equal(tries, waiting, 'void: a retry came before its time or was due meanwhile')
    const { exit, output } = await stop(worker)
    assert.deepEqual(exit, { code: 0, signal: null }, output.slice(-4_000))
    const left = (await stage.left()).map((line) => line.replace(/\[\d\]$/, ''))
    assert.deepEqual(left, [`${waiting} in .retry.60000`])
    assert.deepEqual(await stage.breaches(ledger), [])
  })
})
