import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Command } from '../../bin/command.ts'
import { parseCall } from '../../bin/parse.ts'
import { TidemillError } from '../../worker/errors.ts'

const COMMAND: Command = {
  usage: '',
  help: '',
  flags: { json: { type: 'boolean', help: '' }, id: { type: 'string', help: '' } },
  shownSettings: [],
  arguments: { min: 0, max: 3 },
  run: async () => 0,
}

const brokerOf = (args: string[], env: NodeJS.ProcessEnv = {}) => parseCall(COMMAND, args, env).settings.brokerUrl

test("a command's own flags and the settings' flags are told apart", () => {
  const call = parseCall(COMMAND, ['a', '--json', '--id', 'x', '--drain-timeout-ms=5', 'b'], {})
  assert.deepEqual(call.positionals, ['a', 'b'])
  assert.deepEqual(call.values, { json: true, id: 'x' })
  assert.deepEqual(call.settings, { drainTimeoutMs: '5' })
})

test('--broker takes a name or a URL', () => {
  assert.equal(brokerOf(['--broker', 'memory']), 'memory:')
  assert.equal(brokerOf(['--broker', 'amqp://user@host/v']), 'amqp://user@host/v')
  assert.equal(brokerOf([]), undefined)
})

test('--broker rabbitmq is the one that the environment names, else the one on this machine', () => {
  assert.equal(brokerOf(['--broker', 'rabbitmq']), 'amqp://localhost:5672')
  assert.equal(brokerOf(['--broker', 'rabbitmq'], { TIDEMILL_BROKER_URL: 'memory:' }), 'amqp://localhost:5672')
  assert.equal(brokerOf(['--broker', 'rabbitmq'], { TIDEMILL_BROKER_URL: 'amqps://h' }), undefined)
  assert.equal(brokerOf(['--broker', 'rabbitmq'], { TIDEMILL_BROKER_URL_FILE: '/f' }), undefined)
})

test('--broker kafka likewise', () => {
  assert.equal(brokerOf(['--broker', 'kafka']), 'kafka://localhost:9092')
  assert.equal(brokerOf(['--broker', 'kafka'], { TIDEMILL_BROKER_URL: 'amqp://h' }), 'kafka://localhost:9092')
  assert.equal(brokerOf(['--broker', 'kafka'], { TIDEMILL_BROKER_URL: 'kafkas://h:9093' }), undefined)
})

test('every fault of a call is named at once', () => {
  const call = () => parseCall(COMMAND, ['--jsn', '--id', '--broker-password', 'x'], {})
  assert.throws(call, (error: TidemillError) => {
    assert.equal(error.code, 'USAGE')
    assert.equal(error.message.split('\n').length, 2, error.message)
    return true
  })
})

test('any arguments either parse or are refused as a usage error', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string(), fc.constantFrom('--', '--json', '--id', '-x', '--=', '--json=1'))),
      (args) => {
        try {
          parseCall(COMMAND, args, {})
        } catch (error) {
          assert.ok(error instanceof TidemillError && error.code === 'USAGE', String(error))
        }
      },
    ),
  )
})
