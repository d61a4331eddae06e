import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import amqp from 'amqplib'
import { startBroker, startKafka } from '../../deploy/local/broker.ts'
import { installPackages } from '../../deploy/local/install.ts'
import { cleanStale } from '../../deploy/local/leftovers.ts'
import { accepts } from '../../deploy/local/ports.ts'
import { RABBITMQ, startDebian } from '../../deploy/local/rabbitmq-node.ts'
import { sharedBroker } from '../helpers/broker.ts'
import { fakeDocker, folderFor, homesIn, NO_DOCKER, ownTmpdir } from '../helpers/local.ts'
import { waitFor } from '../helpers/wait.ts'

const BROKER = JSON.stringify(join(import.meta.dirname, '..', '..', 'deploy', 'local', 'broker.ts'))
test('a private node keeps its messages over a restart and a kill, and leaves nothing behind', async (t) => {
  const folder = ownTmpdir(t)
  const broker = await startDebian({ install: true, log: t.diagnostic.bind(t), env: NO_DOCKER })
  assert.ok('url' in broker, JSON.stringify(broker))
  t.after(() => broker.stop())
  assert.match(broker.version, /^\d+\.\d+\.\d+/)
  assert.equal(
    homesIn(folder).some(({ name }) => name === 'beam.smp'),
    true,
    'the node runs in the folder',
  )

  const channelDo = async <T>(what: (channel: amqp.ConfirmChannel) => Promise<T>): Promise<T> => {
    const connection = await amqp.connect(broker.url, { timeout: 10_000 })
    const result = await what(await connection.createConfirmChannel())
    await connection.close()
    return result
  }
  const publish = () =>
    channelDo(async (channel) => {
      await channel.assertQueue('kept', { durable: true, arguments: { 'x-queue-type': 'quorum' } })
      channel.sendToQueue('kept', Buffer.from('x'), { persistent: true })
      await channel.waitForConfirms()
    })
  // Not at once: a quorum queue tells its old figure for a moment after its recovery.
  const holds = (count: number) =>
    waitFor(`the queue holds ${count}`, () =>
      channelDo(async (channel) => (await channel.checkQueue('kept')).messageCount === count),
    )
  await publish()
  await broker.restart()
  await holds(1)
  await publish()
  await broker.kill()
  assert.equal(await accepts(Number(new URL(broker.url).port)), false, 'killed means killed')
  await broker.start()
  await holds(2)
  assert.match(await broker.rabbitmqctl(['list_queues', '--silent', 'name']), /kept/)
  assert.match(await broker.logs(), /Server startup complete/)

  await broker.stop()
  await broker.stop()
  assert.deepEqual([homesIn(folder), readdirSync(folder)], [[], []])
})

test('a node ends with the process that started it, even by SIGKILL', async (t) => {
  const folder = folderFor(t)
  const program = `
    import { startBroker } from ${BROKER}
    const broker = await startBroker({ private: true })
    process.stdout.write(broker.url)`
  const child = spawn(
    process.execPath,
    ['--input-type=module-typescript', '-e', `${program}\nsetInterval(() => {}, 1e6)`],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...NO_DOCKER, TMPDIR: folder },
    },
  )
  const [url] = await once(child.stdout.setEncoding('utf8'), 'data')
  assert.ok(homesIn(folder).length > 0)
  child.kill('SIGKILL')
  await waitFor('nothing of the broker is left', () => homesIn(folder).length === 0 && readdirSync(folder).length === 0)
  assert.equal(await accepts(Number(new URL(url).port)), false)
})

test('what a dead run left behind is ended and removed by the next one, and a living run is left alone', async (t) => {
  const folder = ownTmpdir(t)
  const leave = (name: string, owner: number) => {
    const home = join(folder, `tidemill-rabbitmq-${name}`)
    mkdirSync(home)
    const child = spawn('sleep', ['600'], { env: { HOME: home, PATH: process.env.PATH } })
    t.after(() => child.kill('SIGKILL'))
    writeFileSync(join(home, 'owner'), `${owner}\n`)
    writeFileSync(join(home, 'pids'), `${child.pid}\n`)
    return { home, child, ended: once(child, 'exit') }
  }
  const gone = spawn('true')
  await once(gone, 'exit')
  const dead = leave('dead', gone.pid!)
  const living = leave('living', process.pid)
  // Its number went to a process that is none of ours.
  writeFileSync(join(dead.home, 'pids'), `${living.child.pid}\n${dead.child.pid}\n`)
  assert.deepEqual(cleanStale(), [dead.home])
  assert.deepEqual((await dead.ended)[1], 'SIGKILL')
  assert.deepEqual([existsSync(dead.home), existsSync(living.home), living.child.signalCode], [false, true, null])
})

test('a broker that is given by its URL is used as it is, and can not be restarted from here', async () => {
  const { url } = await sharedBroker()
  const broker = await startBroker({ broker: url, env: {} })
  assert.deepEqual([broker.protocol, broker.kind, broker.url], ['rabbitmq', 'given', url])
  await assert.rejects(broker.restart(), { code: 'ILLEGAL_STATE' })
  const env = { TIDEMILL_BROKER_URL: 'memory:', PATH: '' }
  assert.equal((await startBroker({ env })).kind, 'memory')
  for (const unknown of ['rabbit', 'http://there:9092', '']) {
    await assert.rejects(startBroker({ broker: unknown, env }), { code: 'USAGE' }, unknown)
  }
})

test('a given broker that does not answer is one error, without its password', async () => {
  const env = { TIDEMILL_BROKER_URL: 'amqp://me:secret@127.0.0.1:1', PATH: '' }
  await assert.rejects(startBroker({ env }), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'NO_BROKER')
    assert.match(error.message, /127\.0\.0\.1:1/)
    assert.doesNotMatch(error.message, /secret/)
    return true
  })
})

test('installing can be refused, and the one message then names the three ways and the memory broker', async (t) => {
  const log = () => undefined
  const refused = await installPackages(RABBITMQ, { install: false, log: () => assert.fail('nothing is run'), env: {} })
  assert.match(refused?.refused ?? '', /--no-install/)
  const env = { PATH: '', XDG_CACHE_HOME: folderFor(t) }
  await assert.rejects(startKafka({ env, log, install: false }), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'NO_BROKER')
    const ways = ['TIDEMILL_BROKER_URL=kafka://', 'docker is not there', 'apt-get install .*maven', '--broker memory']
    for (const part of [...ways, '--no-install']) assert.match(error.message, new RegExp(part))
    return true
  })
})

test('where a Docker engine answers, the broker is a container that can be restarted, killed, started and removed', async (t) => {
  const docker = fakeDocker(t)
  const env = { ...docker.env, TIDEMILL_RABBITMQ_IMAGE: 'example/rabbitmq:4' }
  const broker = await startBroker({ env })
  t.after(() => broker.stop())
  const port = Number(new URL(broker.url).port)
  assert.deepEqual([broker.kind, broker.version], ['docker', '4.3.6'])
  await broker.restart()
  assert.equal(await accepts(port), true)
  await broker.kill()
  assert.equal(await accepts(port), false, 'the container is down')
  await broker.start()
  assert.equal(await accepts(port), true, 'on the same port')
  await broker.stop()
  assert.equal(await accepts(port), false, 'the container is gone')
  const calls = docker.calls()
  const run = calls.find((call) => call.startsWith('run')) ?? ''
  assert.ok(calls.includes('pull --quiet example/rabbitmq:4'))
  assert.match(run, new RegExp(`--publish 127\\.0\\.0\\.1:${port}:5672 `))
  assert.match(run, /quorum_tick_interval 500 .* example\/rabbitmq:4$/)
  assert.match(calls.find((call) => call.startsWith('stop')) ?? '', /^stop -t 30 tidemill-rabbitmq-/)
  assert.match(calls.at(-1) ?? '', /^rm --force --volumes tidemill-rabbitmq-/)
})

test('a container goes with the process that started it, even by SIGKILL', async (t) => {
  const docker = fakeDocker(t)
  const program = `import { startBroker } from ${BROKER}
    const broker = await startBroker()
    process.stdout.write(broker.url, () => process.kill(process.pid, 'SIGKILL'))`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: docker.env,
  })
  const [url] = await once(child.stdout.setEncoding('utf8'), 'data')
  await waitFor('the container is gone', async () => !(await accepts(Number(new URL(url).port))))
})

test('an image that can not be pulled closes the way of Docker, and the next way is tried', async (t) => {
  const docker = fakeDocker(t)
  writeFileSync(join(docker.folder, 'no-network'), '')
  const lines: string[] = []
  const broker = await startBroker({ env: docker.env, log: (line) => lines.push(line) })
  t.after(() => broker.stop())
  assert.equal(broker.kind, 'debian')
  assert.ok(
    lines.some((line) => /no route to the registry.*rabbitmq-server/.test(line)),
    lines.join('\n'),
  )
})
