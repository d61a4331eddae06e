import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { resolveBrokerSettings, resolveSettings, showSetting } from '../../worker/config.ts'
import { defineJob, type WorkerDefinition } from '../../worker/define.ts'
import { ConfigError } from '../../worker/errors.ts'
import { envName, flagName, SETTING_NAMES, SETTINGS } from '../../worker/settings-table.ts'
import { faultsOf, load, worker } from './settings.ts'

test('every default passes its own check, and all defaults together break no rule', () => {
  const { settings, origins } = load({})
  for (const name of SETTING_NAMES) assert.ok(SETTINGS[name].schema.safeParse(settings[name]).success, name)
  assert.equal(settings.concurrency, 10)
  assert.deepEqual(settings.retryLadderMs, [1_000, 5_000, 30_000, 120_000, 600_000, 3_600_000])
  assert.equal(origins.concurrency, 'default')
  assert.ok(Object.isFrozen(settings))
})

test('a flag goes before the environment, that before settings, that before the definition, that before the default', () => {
  const definition = worker({ concurrency: 4, readAhead: 5 })
  const all = { definition, settings: { concurrency: 3 }, flags: { concurrency: '1' } }
  const env = { TIDEMILL_CONCURRENCY: '2' }
  const { flags: _, ...noFlag } = all
  const cases = [
    [load(env, all), 1, 'flag'],
    [load(env, noFlag), 2, 'env'],
    [load({}, noFlag), 3, 'settings'],
    [load({}, { definition }), 4, 'definition'],
    [load({}), 10, 'default'],
  ] as const
  for (const [{ settings, origins }, value, origin] of cases) {
    assert.equal(settings.concurrency, value)
    assert.equal(origins.concurrency, origin)
  }
})

test('a default is fitted to the container, goes before the plain default only, and has a reason', () => {
  const container = { cpu: { cpus: 0.5, file: 'cpu.max' }, memoryBytes: undefined, machineCpus: 2 }
  const fitted = load({}, { container })
  assert.equal(fitted.settings.concurrency, 5)
  assert.equal(fitted.origins.concurrency, 'container')
  assert.match(fitted.reasons.concurrency ?? '', /0\.5 CPU/)
  const given = load({}, { container, definition: worker({ concurrency: 4 }) })
  assert.equal(given.settings.concurrency, 4)
  assert.equal(given.reasons.concurrency, undefined)
  const unlimited = load({}, { container: { cpu: undefined, memoryBytes: undefined, machineCpus: 2 } })
  assert.equal(unlimited.settings.concurrency, SETTINGS.concurrency.fallback)
  assert.equal(unlimited.origins.concurrency, 'default')
})

test('where every job runs in a thread, no more jobs run at once than there are threads', () => {
  const film = defineJob({ type: 'film', handler: new URL('file:///film.js') })
  const all = (more: Partial<WorkerDefinition>) =>
    load({}, { definition: worker({ jobs: [film], threads: 2, ...more }) })
  assert.equal(all({}).settings.concurrency, 2)
  assert.match(all({}).reasons.concurrency ?? '', /every job runs in a thread, and there are 2 \(threads\)/)
  assert.equal(all({ concurrency: 9 }).settings.concurrency, 2)
  assert.equal(all({ concurrency: 1 }).settings.concurrency, 1)
  assert.equal(all({ jobs: [film, defineJob({ type: 'b', handler() {} })] }).settings.concurrency, 10)
})

test('a secret is read from the file that its variable names, without the line end', () => {
  const env = { TIDEMILL_BROKER_URL: '', TIDEMILL_BROKER_URL_FILE: '/run/secrets/url' }
  const { settings, origins } = load(env, { readFile: (path) => (path === '/run/secrets/url' ? 'amqp://u:p@h\n' : '') })
  assert.equal(settings.brokerUrl, 'amqp://u:p@h')
  assert.equal(origins.brokerUrl, 'file')
})

test('one error names every fault, what was expected and what came', () => {
  const faults = faultsOf({
    TIDEMILL_CONCURRENCY: 'ten',
    TIDEMILL_HTTP_PORT: '70000',
    TIDEMILL_MISSING_ID: 'drop',
    TIDEMILL_RETRY_LADDER_MS: '1000,1000',
    TIDEMILL_RETRY_FACTOR: '0.5',
    TIDEMILL_QUEUE: 'no spaces',
    TIDEMILL_BROKER_PASSWORD_FILE: '/nope',
  })
  const expected = [
    /^TIDEMILL_CONCURRENCY: expected a whole number from 1 to 10,000, got "ten"$/,
    /^TIDEMILL_HTTP_PORT: expected a whole number from 0 to 65,535, got 70000$/,
    /^TIDEMILL_MISSING_ID: expected one of derive, dead-letter, got "drop"$/,
    /^TIDEMILL_RETRY_LADDER_MS: expected ascending delays, each once, got \[1000,1000\]$/,
    /^TIDEMILL_RETRY_FACTOR: expected a number from 1 to 1,000, got 0.5$/,
    /^TIDEMILL_QUEUE: expected 1 to 200 letters, .*, got "no spaces"$/,
    /^TIDEMILL_BROKER_PASSWORD_FILE: expected a readable file, got "\/nope": ENOENT/,
  ]
  assert.equal(faults.length, expected.length, faults.join('\n'))
  for (const pattern of expected)
    assert.ok(
      faults.some((fault) => pattern.test(fault)),
      `${pattern} in ${faults.join('\n')}`,
    )
})

test('what is required and missing is named with the ways to set it', () => {
  const faults = faultsOf({ TIDEMILL_BROKER_URL: '', TIDEMILL_QUEUE: '' })
  assert.equal(faults.length, 2)
  assert.match(faults[0]!, /^brokerUrl: .*got nothing \(set TIDEMILL_BROKER_URL or --broker\)$/)
  assert.match(faults[1]!, /^queue: .*got nothing \(set TIDEMILL_QUEUE or --queue\)$/)
})

test('a variable that nobody knows is a fault, with the one that was meant', () => {
  const [fault, ...others] = faultsOf({ TIDEMILL_CONCURENCY: '3' })
  assert.equal(
    fault,
    'TIDEMILL_CONCURENCY: expected a known variable, got this one; did you mean TIDEMILL_CONCURRENCY?',
  )
  assert.deepEqual(others, [])
  assert.equal(faultsOf({ TIDEMILL_HTTP_PORT_FILE: 'x' }).length, 1, 'only secrets can be read from files')
})

test("the variables that Kubernetes sets for Services named 'tidemill…' are left alone, and named where they collide", () => {
  const env = {
    TIDEMILL_SERVICE_HOST: '10.0.0.1',
    TIDEMILL_SERVICE_PORT: '8081',
    TIDEMILL_SERVICE_PORT_HTTP: '8081',
    TIDEMILL_PORT: 'tcp://10.0.0.1:8081',
    TIDEMILL_PORT_8081_TCP: 'tcp://10.0.0.1:8081',
    TIDEMILL_PORT_8081_TCP_ADDR: '10.0.0.1',
  }
  assert.deepEqual(faultsOf(env), [])
  assert.match(faultsOf({ TIDEMILL_HTTP_PORT: 'tcp://10.0.0.1:8081' })[0]!, /enableServiceLinks/)
})

test('the variables that name the image of a local broker are no fault of the worker', () => {
  assert.deepEqual(faultsOf({ TIDEMILL_RABBITMQ_IMAGE: 'example/rabbitmq:4', TIDEMILL_IMAGE: 'example/tidemill' }), [])
})

test('no fault shows a password, wherever in a faulty URL it stands', () => {
  const secret = 'hunter22'
  const urls = [
    `amq://u:${secret}@h`,
    `amqp//u:${secret}@h`,
    `u:${secret}@h`,
    `redis://${secret}@h`,
    `kafka://u:${secret}@h:0`,
    `kafka://u:${secret}@h:1,h:70000`,
  ]
  for (const url of urls) {
    const faults = faultsOf({ TIDEMILL_BROKER_URL: url, TIDEMILL_MANAGEMENT_URL: url }).join('\n')
    assert.match(faults, /TIDEMILL_BROKER_URL/)
    assert.ok(!faults.includes(secret), faults)
  }
  const password = faultsOf({ TIDEMILL_BROKER_PASSWORD: `${secret}\0`, TIDEMILL_BROKER_USERNAME: 'u' }).join('\n')
  assert.match(password, /TIDEMILL_BROKER_PASSWORD/)
  assert.ok(!password.includes(secret))
})

test('any environment either loads or is refused by one error that tells no secret', () => {
  const value = fc.oneof(
    fc.string(),
    fc.integer().map(String),
    fc.constantFrom('amqp://h', 'memory:', '1,2,3', '0', ''),
  )
  const env = fc.dictionary(fc.constantFrom(...SETTING_NAMES.map(envName)), value)
  const secret = 'correct-horse-battery'
  fc.assert(
    fc.property(env, (given) => {
      const faults = faultsOf({ ...given, TIDEMILL_BROKER_PASSWORD: secret })
      assert.ok(!faults.join('\n').includes(secret))
    }),
    { numRuns: 500 },
  )
})

test('secrets are not shown, other values are', () => {
  assert.equal(showSetting('brokerUrl', 'amqp://u:p@h/v'), 'amqp://u:***@h/v')
  assert.equal(showSetting('brokerUrl', 'kafka://u:p@h:1,i:2'), 'kafka://u:***@h:1,i:2')
  assert.equal(showSetting('brokerPassword', 'hush'), '***')
  assert.equal(showSetting('retryLadderMs', [1, 2]), '1,2')
  assert.equal(showSetting('deadMaxLength', undefined), '')
})

test('an embedded worker needs no URL, and a setting that nobody knows is a fault', () => {
  assert.equal(resolveSettings(worker(), { concurrency: 7 }).concurrency, 7)
  const misspelt = { concurency: 7 } as object
  assert.throws(() => resolveSettings(worker(), misspelt), /settings\.concurency: .*did you mean concurrency\?/)
  assert.equal(resolveBrokerSettings({ brokerUrl: 'memory:', queue: 'q' }).heartbeatMs, 15_000)
  assert.throws(() => resolveBrokerSettings({ queue: 'q' }), ConfigError)
})

test('every setting has a variable, a flag and a sentence of its own', () => {
  assert.equal(envName('retryLadderMs'), 'TIDEMILL_RETRY_LADDER_MS')
  assert.equal(flagName('drainTimeoutMs'), 'drain-timeout-ms')
  const sentences = new Set(SETTING_NAMES.map((name) => SETTINGS[name].sentence))
  assert.equal(sentences.size, SETTING_NAMES.length)
  for (const sentence of sentences) assert.match(sentence, /^[A-Z].*\.$/)
})
