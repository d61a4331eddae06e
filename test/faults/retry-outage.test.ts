import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharedBroker } from '../helpers/broker.ts'
import { blockRetries, RETRYING } from './plays.ts'
import { RabbitmqStage } from './rabbitmq-stage.ts'
import { Scenario } from './scenario.ts'

test('while retries can not be written, jobs are held and none is lost; all is well again by itself', async (t) => {
  const stage = await RabbitmqStage.open(t, await sharedBroker())
  const { queue, queues } = stage.made
  const channel = await stage.channel()
  const exchange = `${queue}.retry`
  const keys = queues.filter((name) => name.startsWith(`${exchange}.`)).map((name) => name.slice(exchange.length + 1))
  assert.ok(keys.length > 0)
  await blockRetries(
    Scenario.open(t, stage, { trickle: RETRYING }),
    async () => {
      for (const key of keys) await channel.unbindQueue(`${exchange}.${key}`, exchange, key)
    },
    async () => {
      for (const key of keys) await channel.bindQueue(`${exchange}.${key}`, exchange, key)
    },
  )
})
