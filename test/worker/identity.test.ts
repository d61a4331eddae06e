import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deriveId } from '../../worker/identity.ts'

test('equal type and body give equal ids, and nothing else does', () => {
  const body = Buffer.from('{"a":1}')
  assert.equal(deriveId('t', body), deriveId('t', Buffer.from('{"a":1}')))
  const others = [deriveId('u', body), deriveId('t', Buffer.from('{"a":2}')), deriveId('t{', Buffer.from('"a":1}'))]
  assert.equal(new Set([deriveId('t', body), ...others]).size, 4)
  assert.match(deriveId('', Buffer.alloc(0)), /^[0-9a-f]{64}$/)
})
