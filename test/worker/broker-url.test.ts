import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHostsUrl, passwordOf, usernameOf } from '../../worker/broker-url.ts'

test('a URL of several hosts is read, its user decoded', () => {
  assert.deepEqual(parseHostsUrl('Kafka://us%40er:a/b:%3F@one:9092,[fe80::1]:9093,10.0.0.1/'), {
    scheme: 'kafka',
    username: 'us@er',
    password: 'a/b:?',
    hosts: [
      { host: 'one', port: 9092 },
      { host: 'fe80::1', port: 9093 },
      { host: '10.0.0.1', port: undefined },
    ],
  })
})

for (const text of [
  '',
  'one:9092',
  'x://',
  'x://a,',
  'x://a:0',
  'x://a:70000',
  'x://a:b',
  'x://a/p',
  'x://a?b',
  'x://u:"@a',
]) {
  test(`${JSON.stringify(text)} is no URL of hosts`, () => assert.equal(parseHostsUrl(text), undefined))
}

test('user name and password of a URL are read decoded', () => {
  for (const hosts of ['h', 'h:1', 'h1,h2:2', 'h1:1,h2:2']) {
    assert.equal(passwordOf(`kafka://u%21:a%2Fb@${hosts}`), 'a/b')
    assert.equal(usernameOf(`kafka://u%21:a%2Fb@${hosts}`), 'u!')
    assert.equal(passwordOf(`kafka://u@${hosts}`), undefined)
    assert.equal(usernameOf(`kafka://${hosts}`), undefined)
  }
  assert.equal(passwordOf('amqp://u:a%2Fb@h/v'), 'a/b')
  assert.equal(passwordOf('amqp://u:100%@h'), '100%')
  assert.equal(passwordOf('no url'), undefined)
})
