import assert from 'node:assert/strict'
import { test } from 'node:test'
import { secretsOf } from '../../worker/config.ts'
import { cautionsOf } from '../../worker/settings-rules.ts'
import { faultsOf, load, worker } from './settings.ts'

const KAFKA = { TIDEMILL_BROKER_URL: 'kafka://h1:9092,h2' }

const RULES: readonly (readonly [title: string, env: Record<string, string>, fault: RegExp])[] = [
  [
    'a drain that is longer than the grace',
    { TIDEMILL_DRAIN_TIMEOUT_MS: '37850' },
    /^drainTimeoutMs \+ .*less than terminationGraceMs, 45,000, .*= 45,000$/,
  ],
  [
    'a job as long as the consumer timeout',
    { TIDEMILL_JOB_TIMEOUT_MS: '1800000' },
    /^jobTimeoutMs: expected less than/,
  ],
  [
    'more to prefetch than 16 bits can say',
    { TIDEMILL_READ_AHEAD: '65526' },
    /^concurrency \+ readAhead: .* got 65,536$/,
  ],
  [
    'a shortest delay above the longest',
    { TIDEMILL_RETRY_MIN_DELAY_MS: '3600001' },
    /^retryMinDelayMs: expected at most/,
  ],
  [
    'a delivery limit below the crash limit',
    { TIDEMILL_CRASH_LIMIT: '48' },
    /^deliveryLimit: expected more than crashLimit/,
  ],
  [
    'a certificate without its key',
    { TIDEMILL_TLS_CERT_FILE: 'c', TIDEMILL_BROKER_URL: 'amqps://h' },
    /^tlsKeyFile: .*tlsCertFile is given/,
  ],
  ['a certificate for a plain connection', { TIDEMILL_TLS_CA_FILE: 'c' }, /^tlsCaFile: expected an amqps/],
  ['a password without a name', { TIDEMILL_BROKER_PASSWORD: 'hush' }, /^brokerUsername: expected a name/],
  [
    'two passwords',
    { TIDEMILL_BROKER_PASSWORD: 'hush', TIDEMILL_BROKER_URL: 'amqp://u:other@h' },
    /^brokerPassword: expected nothing, because brokerUrl holds a password/,
  ],
  ['a heartbeat of half seconds', { TIDEMILL_HEARTBEAT_MS: '1500' }, /^TIDEMILL_HEARTBEAT_MS: expected whole seconds/],
  [
    'a management URL of another scheme',
    { TIDEMILL_MANAGEMENT_URL: 'amqp://h' },
    /^TIDEMILL_MANAGEMENT_URL: expected an http/,
  ],
  ['a broker of another scheme', { TIDEMILL_BROKER_URL: 'redis://h' }, /^TIDEMILL_BROKER_URL: expected amqp:/],
  ['a port that there is not', { TIDEMILL_BROKER_URL: 'kafka://h:1,h:70000' }, /^TIDEMILL_BROKER_URL: expected kafka:/],
  [
    'a hand-over that the group does not wait for',
    { ...KAFKA, TIDEMILL_HAND_OVER_MS: '60000' },
    /^handOverMs: expected less than rebalanceTimeoutMs, 60,000, .*got 60,000$/,
  ],
  ['a queue that is no topic', { ...KAFKA, TIDEMILL_QUEUE: '..' }, /^queue: expected a name that a topic can have/],
  [
    'a user without a password',
    { TIDEMILL_BROKER_URL: 'kafka://u@h:1,h:2' },
    /^brokerPassword: expected a password beside the user name/,
  ],
  [
    'two user names',
    { TIDEMILL_BROKER_URL: 'kafka://u@h:1,h:2', TIDEMILL_BROKER_USERNAME: 'v', TIDEMILL_BROKER_PASSWORD: 'hush' },
    /^brokerUsername: expected nothing, because brokerUrl holds a user name/,
  ],
  [
    'a certificate for a plain connection to several brokers',
    { ...KAFKA, TIDEMILL_TLS_CA_FILE: 'c' },
    /^tlsCaFile: expected .*kafkas:/,
  ],
]

for (const [title, env, fault] of RULES) {
  test(`${title} is refused`, () => {
    const faults = faultsOf(env, { readFile: () => 'x' })
    assert.equal(faults.length, 1, faults.join('\n'))
    assert.match(faults[0]!, fault)
  })
}

test('what a rule allows just so is allowed', () => {
  const env = {
    TIDEMILL_DRAIN_TIMEOUT_MS: '37849',
    TIDEMILL_JOB_TIMEOUT_MS: '1799999',
    TIDEMILL_READ_AHEAD: '65525',
    TIDEMILL_RETRY_MIN_DELAY_MS: '3600000',
    TIDEMILL_CRASH_LIMIT: '47',
    TIDEMILL_BROKER_URL: 'amqp://user@host',
    TIDEMILL_BROKER_PASSWORD: 'hush',
  }
  assert.deepEqual(faultsOf(env), [])
})

test('a rule of one broker does not hold for another', () => {
  const env = { ...KAFKA, TIDEMILL_JOB_TIMEOUT_MS: '1800000', TIDEMILL_READ_AHEAD: '65535', TIDEMILL_CRASH_LIMIT: '48' }
  assert.deepEqual(faultsOf(env, { definition: worker({}, { timeoutMs: 1_800_000 }) }), [])
  assert.deepEqual(faultsOf({ TIDEMILL_HAND_OVER_MS: '60000', TIDEMILL_BROKER_URL: 'amqp://u@h' }), [])
})

test('a Kafka URL names one broker or more, with a password or beside one', () => {
  for (const url of ['kafka://h', 'kafkas://h:9093,[::1]:9094/', 'kafka://u:p@h1:1,h2:2', 'kafka://u:p%2F/@h1,h2']) {
    assert.deepEqual(faultsOf({ TIDEMILL_BROKER_URL: url }), [])
  }
  const beside = { TIDEMILL_BROKER_USERNAME: 'u', TIDEMILL_BROKER_PASSWORD: 'hush' }
  assert.deepEqual(faultsOf({ ...KAFKA, ...beside }), [])
  const { settings } = load({ TIDEMILL_BROKER_URL: 'kafka://u:hush%21@h1:1,h2:2' })
  assert.ok(secretsOf(settings).includes('hush!'))
})

test('to begin at the latest is cautioned against', () => {
  const cautions = (env: Record<string, string>) => cautionsOf(load({ ...KAFKA, ...env }).settings)
  assert.deepEqual(cautions({}), [])
  assert.match(cautions({ TIDEMILL_OFFSET_RESET: 'latest' }).join(), /zero replicas .* are skipped/)
  assert.deepEqual(cautions({ TIDEMILL_OFFSET_RESET: 'latest', TIDEMILL_BROKER_URL: 'memory:' }), [])
})

test("a job's own timeout and delays are checked against the worker's", () => {
  const definition = worker({}, { timeoutMs: 1_800_000, retry: { minDelayMs: 3_600_001 } })
  const faults = faultsOf({}, { definition })
  assert.equal(faults.length, 2)
  assert.match(faults[0]!, /^job a: timeoutMs: expected less than consumerTimeoutMs, 1,800,000, .*got 1,800,000$/)
  assert.match(faults[1]!, /^job a: retry.minDelayMs: expected at most retry.maxDelayMs/)
})
