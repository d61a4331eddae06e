import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { listenForSignals } from '../../worker/signals.ts'

function setup() {
  const source = new EventEmitter()
  const signals = listenForSignals(source)
  const heard: string[] = []
  signals.handle((signal, isFirst) => heard.push(`${signal} ${isFirst ? 'first' : 'again'}`))
  return { signals, heard, send: (signal: string) => source.emit(signal, signal), source }
}

test('a second signal is told from the first', () => {
  const { heard, send } = setup()
  send('SIGTERM')
  send('SIGINT')
  assert.deepEqual(heard, ['SIGTERM first', 'SIGINT again'])
})

test('a signal that npm passes on a second time is the same signal; one that comes later is not', async () => {
  const { heard, send } = setup()
  send('SIGINT')
  send('SIGINT')
  assert.deepEqual(heard, ['SIGINT first'])
  await sleep(250)
  send('SIGINT')
  assert.deepEqual(heard, ['SIGINT first', 'SIGINT again'])
})

test('SIGUSR1 is taken, so that Node does not open its debugger', () => {
  const { heard, source } = setup()
  assert.equal(source.emit('SIGUSR1', 'SIGUSR1'), true)
  assert.deepEqual(heard, [])
})

test('after the end no listener is left', () => {
  const { signals, source } = setup()
  signals.stop()
  assert.deepEqual(source.eventNames(), [])
})
