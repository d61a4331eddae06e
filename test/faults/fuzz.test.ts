import { test } from 'node:test'
import type { Options } from 'amqplib'
import { sharedBroker } from '../helpers/broker.ts'
import { GOOD, HOSTILE, HOSTILE_ENV, type Hostile, sendHostile, text } from './hostile.ts'
import { RabbitmqStage } from './rabbitmq-stage.ts'
import { Scenario } from './scenario.ts'

/** What only AMQP can carry. */
const SPECIAL: readonly Hostile<Partial<Options.Publish>>[] = [
  { name: 'a forged delivery count', body: GOOD, special: { headers: { 'x-delivery-count': 99 } }, fate: 'done' },
  {
    name: 'a forged x-death',
    body: GOOD,
    special: { headers: { 'x-death': [{ count: 2 ** 40, queue: 'evil' }] } },
    fate: 'done',
  },
  { name: 'a header __proto__', body: GOOD, special: { headers: headerNamedProto() }, fate: 'done' },
  { name: 'headers of every type', body: text('{'), special: { headers: everyType() }, fate: 'invalid-payload' },
  { name: 'a date far off', body: GOOD, special: { timestamp: 2 ** 52 }, fate: 'done' },
  { name: 'an expiration', body: text('{'), special: { expiration: '60000', priority: 9 }, fate: 'invalid-payload' },
]

test('hostile messages are dead-lettered as they are or done, and harm neither the workers nor the good jobs', async (t) => {
  const stage = await RabbitmqStage.open(t, await sharedBroker())
  const scenario = Scenario.open(t, stage, { env: HOSTILE_ENV })
  const sender = await stage.made.connection.createConfirmChannel()
  const send = ({ body, type, encoding, headers, special }: Hostile<Partial<Options.Publish>>, messageId: string) =>
    new Promise<void>((resolve, reject) => {
      const properties: Options.Publish = {
        messageId,
        type: type ?? 'fault.job',
        contentType: 'application/json',
        persistent: true,
        ...(encoding !== undefined && { contentEncoding: encoding }),
        ...(headers !== undefined && { headers }),
        ...special,
      }
      sender.publish(`${stage.queue}.work`, stage.queue, body, properties, (error) =>
        error === null ? resolve() : reject(error),
      )
    })
  await sendHostile(scenario, [...HOSTILE, ...SPECIAL], send)
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
