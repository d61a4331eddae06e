import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hasPassword, redactor, redactUrls } from '../../worker/redact.ts'

test('the passwords of URLs are hidden, also such as hold a slash, a colon or an at sign', () => {
  assert.equal(redactUrls('can not reach amqp://u:p@h:5672/v now'), 'can not reach amqp://u:***@h:5672/v now')
  assert.equal(redactUrls('to kafka://u:p,q@h1:9092,h2:9092!'), 'to kafka://u:***@h1:9092,h2:9092!')
  for (const password of ['a/b', 'a:b', 'a@b', 'a%2Fb', '🔑', ':', '@']) {
    assert.equal(redactUrls(`amqps://user:${password}@host/`), 'amqps://user:***@host/')
  }
})

test('a URL without a password, and text without a URL, stay as they are', () => {
  for (const text of ['amqp://user@host/', 'http://host:8080/path', 'memory:', 'a: b@c', '']) {
    assert.equal(redactUrls(text), text)
    assert.equal(hasPassword(text), false)
  }
})

test('a line of JSON is still JSON when its URLs were hidden', () => {
  const line = JSON.stringify({ url: 'amqp://u:p@h', next: 'a@b', err: { message: 'at amqp://u:p"q@h' } })
  assert.equal(JSON.parse(redactUrls(line)).next, 'a@b')
})

test('a literal secret is hidden plain, inside JSON and inside a URL', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 4 }), (secret) => {
      fc.pre(secret !== 'guest' && !'value="***'.includes(secret))
      const redact = redactor([secret, undefined])
      const texts = [`value=${secret}`, JSON.stringify({ value: secret }), `value=${encodeURIComponent(secret)}`]
      for (const text of texts) {
        const forms = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]
        assert.ok(
          forms.every((form) => !redact(text).replaceAll('***', '').includes(form)),
          redact(text),
        )
      }
    }),
  )
})

test("RabbitMQ's well-known guest is no secret", () => {
  assert.equal(redactor(['guest'])('a guest came'), 'a guest came')
})
