import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { addressOf } from '../../../../worker/brokers/rabbitmq/address.ts'
import type { BrokerSettings } from '../../../../worker/contracts.ts'
import { SETTINGS, withCode } from '../../../conformance/harness.ts'

const addressFor = (brokerUrl: string, overrides: Partial<BrokerSettings> = {}) =>
  addressOf({ ...SETTINGS, queue: 'orders', brokerUrl, ...overrides })

test('host, port, virtual host and user come from the URL, unescaped', () => {
  const { target, peer, socket } = addressFor('amqp://us%40er:p%2Fw@broker.example:5673/my%2Fvhost')
  assert.deepEqual(
    [
      target.protocol,
      target.hostname,
      target.port,
      decodeURIComponent(target.vhost!),
      target.username,
      target.password,
    ],
    ['amqp', 'broker.example', 5673, 'my/vhost', 'us@er', 'p/w'],
  )
  assert.equal(peer.includes('p/w') || peer.includes('us@er'), false)
  assert.equal(socket.noDelay, true)
  assert.equal(target.heartbeat, 15)
})

test('what the URL leaves out has the defaults of AMQP, and an IPv6 host loses its brackets', () => {
  const plain = addressFor('amqp://[::1]').target
  assert.deepEqual(
    [plain.hostname, plain.port, decodeURIComponent(plain.vhost!), plain.username],
    ['::1', 5672, '/', 'guest'],
  )
  assert.equal(addressFor('amqps://broker').target.port, 5671)
  assert.equal(addressFor('amqp://broker', { heartbeatMs: 100 }).target.heartbeat, 1)
})

test('user name and password of the settings win over the URL', () => {
  const { target } = addressFor('amqp://url:secret@broker', { brokerUsername: 'set', brokerPassword: 'other' })
  assert.deepEqual([target.username, target.password], ['set', 'other'])
})

test('TLS files are read at each connect; a client certificate without a user logs in by itself', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemill-tls-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [tlsCaFile, tlsCertFile, tlsKeyFile] = ['ca', 'cert', 'key'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  for (const file of [tlsCaFile, tlsCertFile, tlsKeyFile]) writeFileSync(file, 'first')
  const files = { tlsCaFile, tlsCertFile, tlsKeyFile }
  assert.equal(addressFor('amqps://broker', files).socket.credentials?.mechanism, 'EXTERNAL')
  assert.equal(addressFor('amqps://user:pw@broker', files).socket.credentials, undefined)
  writeFileSync(tlsCertFile, 'rotated')
  assert.equal(String(addressFor('amqps://broker', files).socket.cert), 'rotated')
  assert.equal(addressFor('amqp://broker', files).socket.cert, undefined)
  rmSync(tlsKeyFile)
  assert.throws(() => addressFor('amqps://broker', files), /ENOENT/)
})

test('another URL is refused without being repeated', () => {
  for (const url of ['http://user:secret@broker', 'secret', '']) {
    assert.throws(
      () => addressFor(url),
      (error) => withCode('CONFIG')(error) && !String(error).includes('secret'),
    )
  }
})
