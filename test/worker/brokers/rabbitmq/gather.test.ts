import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { gather } from '../../../../worker/brokers/rabbitmq/gather.ts'

test('what is written within a tick goes out at once and in order; a later tick goes out by itself', async () => {
  const sent: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      sent.push(String(chunk))
      done()
    },
    writev(chunks, done) {
      sent.push(chunks.map(({ chunk }) => String(chunk)).join(''))
      done()
    },
  })
  gather(stream)
  const called: string[] = []
  stream.write('a')
  stream.write('b', () => called.push('b'))
  assert.deepEqual(sent, [])
  await turn()
  stream.write('c')
  await turn()
  assert.deepEqual(sent, ['ab', 'c'])
  assert.deepEqual(called, ['b'])
  stream.write('d')
  stream.end('e')
  await new Promise((resolve) => stream.once('finish', resolve))
  assert.equal(sent.join(''), 'abcde')
})
