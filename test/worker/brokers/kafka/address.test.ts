import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressOf } from '../../../../worker/brokers/kafka/address.ts'
import { SETTINGS, withCode } from '../../../conformance/harness.ts'

const settingsOf = (brokerUrl: string, more = {}) => ({ ...SETTINGS, brokerUrl, queue: 'jobs', ...more })

test('a URL names every broker, with the usual port where it names none', () => {
  const { brokers, secure, sasl, peer } = addressOf(settingsOf('kafka://one,two:9093,[::1]:9094'))
  assert.deepEqual(brokers, [
    { host: 'one', port: 9092 },
    { host: 'two', port: 9093 },
    { host: '::1', port: 9094 },
  ])
  assert.deepEqual([secure, sasl, peer], [false, undefined, 'one:9092,two:9093,[::1]:9094'])
})

test('credentials come from the URL, decoded, or else from the settings, and do not show in the peer', () => {
  const fromUrl = addressOf(settingsOf('kafkas://us%40er:p%3Ass@one:9093'))
  assert.deepEqual(fromUrl.sasl, { mechanism: 'scram-sha-512', username: 'us@er', password: 'p:ss' })
  assert.deepEqual([fromUrl.secure, fromUrl.peer], [true, 'one:9093'])
  const beside = { brokerUsername: 'u', brokerPassword: 'p', saslMechanism: 'plain' }
  assert.deepEqual(addressOf(settingsOf('kafka://one', beside)).sasl, {
    mechanism: 'plain',
    username: 'u',
    password: 'p',
  })
})

test('another URL is refused without a word of what may be its password', () => {
  for (const url of ['amqp://u:hunter22@h', 'kafka://u:hunter22@', 'kafka://u:hunter22@h:0']) {
    assert.throws(
      () => addressOf(settingsOf(url)),
      (error: Error) => withCode('CONFIG')(error) && !error.message.includes('hunter22'),
    )
  }
})
