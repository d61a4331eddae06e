import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startBroker, startKafka } from '../../deploy/local/broker.ts'
import { areJarsWhole, fetchJars, jarsFolder } from '../../deploy/local/kafka-jars.ts'
import { startMaven } from '../../deploy/local/kafka-node.ts'
import { accepts } from '../../deploy/local/ports.ts'
import { ownKafka, proxiedKafka, sharedKafka } from '../helpers/kafka.ts'
import { fakeDocker, folderFor, homesIn, NO_DOCKER, ownTmpdir } from '../helpers/local.ts'
import { adminOf, kafkaAt, topicFor } from '../helpers/topic.ts'
import { waitFor } from '../helpers/wait.ts'

const BROKER = JSON.stringify(join(import.meta.dirname, '..', '..', 'deploy', 'local', 'broker.ts'))
const FETCHED = jarsFolder(process.env)

const portOf = (url: string) => Number(url.slice(url.lastIndexOf(':') + 1))

async function clientsOf(t: TestContext, url: string) {
  const kafka = kafkaAt(url)
  const producer = kafka.producer()
  t.after(() => producer.disconnect())
  await producer.connect()
  return { admin: await adminOf(t, kafka), producer }
}

test('a private Kafka keeps its records over a restart and a kill, and leaves nothing behind', async (t) => {
  const folder = ownTmpdir(t)
  const broker = await startMaven({ install: true, log: t.diagnostic.bind(t), env: NO_DOCKER })
  assert.ok('url' in broker, JSON.stringify(broker))
  t.after(() => broker.stop())
  assert.match(broker.version, /^4\.\d+\.\d+$/)
  assert.deepEqual(
    homesIn(folder).map(({ name }) => name),
    ['java'],
    'the broker runs in the folder',
  )
  const { admin, producer } = await clientsOf(t, broker.url)
  await admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 1 }] })
  const produce = () => producer.send({ topic: 'kept', messages: [{ value: 'x' }] })
  const holds = async (count: number) => {
    assert.deepEqual(await admin.fetchTopicOffsets('kept'), [
      { partition: 0, offset: String(count), high: String(count), low: '0' },
    ])
  }
  await produce()
  await broker.restart()
  await holds(1)
  await produce()
  await broker.kill()
  assert.equal(await accepts(portOf(broker.url)), false, 'killed means killed')
  await broker.start()
  await holds(2)
  assert.match(await broker.logs(), /Kafka Server started/)

  await broker.stop()
  await broker.stop()
  await waitFor('nothing is left', () => homesIn(folder).length === 0)
  assert.deepEqual(readdirSync(folder), [])
})

test('a Kafka ends with the process that started it, even by SIGKILL', async (t) => {
  const folder = folderFor(t)
  const program = `import { startKafka } from ${BROKER}
    const broker = await startKafka({ private: true })
    process.stdout.write(broker.url, () => process.kill(process.pid, 'SIGKILL'))`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...NO_DOCKER, TMPDIR: folder },
  })
  const [url] = await once(child.stdout.setEncoding('utf8'), 'data')
  await waitFor('nothing of it is left', () => homesIn(folder).length === 0 && readdirSync(folder).length === 0)
  assert.equal(await accepts(portOf(url)), false)
})

/** A Maven that copies the jars which were fetched before, and counts its calls; told to, it dies in the middle. */
function fakeMaven(t: TestContext): { folder: string; path: string; calls(): number } {
  const folder = folderFor(t)
  const path = join(folder, 'mvn')
  writeFileSync(
    path,
    `#!/bin/sh
echo called >> ${folder}/calls
for arg; do case $arg in -DoutputDirectory=*) to=\${arg#*=} ;; esac; done
if [ -e ${folder}/dies ]; then cp ${FETCHED}/kafka-clients-*.jar "$to"; kill -9 $$; fi
cp ${FETCHED}/*.jar "$to"
`,
    { mode: 0o755 },
  )
  const calls = join(folder, 'calls')
  return { folder, path, calls: () => (existsSync(calls) ? readFileSync(calls, 'utf8').split('\n').length - 1 : 0) }
}

test('where the jars are there, Kafka starts without Maven', async (t) => {
  const maven = fakeMaven(t)
  const env = { ...NO_DOCKER, PATH: `${maven.folder}:${NO_DOCKER.PATH}` }
  const broker = await startMaven({ install: false, log: t.diagnostic.bind(t), env })
  assert.ok('url' in broker, JSON.stringify(broker))
  await broker.stop()
  assert.equal(maven.calls(), 0)
})

test('a fetch that was interrupted leaves nothing that is taken for whole, and the next one makes it good', async (t) => {
  const maven = fakeMaven(t)
  const env = { ...NO_DOCKER, XDG_CACHE_HOME: folderFor(t) }
  const options = { install: false, log: () => undefined, env }
  const folder = jarsFolder(env)
  assert.ok(folder.startsWith(env.XDG_CACHE_HOME))
  writeFileSync(join(maven.folder, 'dies'), '')
  const refused = await fetchJars(folder, maven.path, options)
  assert.match(refused?.refused ?? '', /mvn .*failed/)
  assert.deepEqual([areJarsWhole(folder), readdirSync(dirname(folder))], [false, []])
  rmSync(join(maven.folder, 'dies'))
  // What a run left behind that could not even tidy up.
  const gone = spawn('true')
  await once(gone, 'exit')
  mkdirSync(`${folder}.${gone.pid}`)
  assert.equal(await fetchJars(folder, maven.path, options), undefined)
  assert.deepEqual([areJarsWhole(folder), readdirSync(dirname(folder))], [true, [basename(folder)]])

  const [jar] = readdirSync(folder).filter((name) => name.startsWith('kafka-server-'))
  truncateSync(join(folder, jar!), 1_000)
  assert.equal(areJarsWhole(folder), false)
  assert.equal(await fetchJars(folder, maven.path, options), undefined)
  assert.equal(areJarsWhole(folder), true)
  rmSync(join(folder, jar!))
  assert.equal(areJarsWhole(folder), false)
  assert.equal(maven.calls(), 3)
})

test('a cache that can not be written closes the way of Maven, before anything is fetched', async (t) => {
  const maven = fakeMaven(t)
  const noFolder = join(folderFor(t), 'cache')
  writeFileSync(noFolder, '')
  const env = { ...NO_DOCKER, PATH: `${maven.folder}:${NO_DOCKER.PATH}`, XDG_CACHE_HOME: noFolder }
  const refused = await startMaven({ install: false, log: () => undefined, env })
  assert.match('refused' in refused ? refused.refused : '', /can't be kept in .*ENOTDIR/)
  assert.equal(maven.calls(), 0)
})

test('where a Docker engine answers, Kafka is a container that can be restarted, killed and removed', async (t) => {
  const docker = fakeDocker(t)
  const env = { ...docker.env, TIDEMILL_KAFKA_IMAGE: 'example/kafka:4' }
  const broker = await startKafka({ env, private: true, proxied: true })
  t.after(() => broker.stop())
  const port = portOf(broker.url)
  assert.equal(broker.kind, 'docker')
  assert.match(broker.version, /^4\./)
  const { admin, producer } = await clientsOf(t, broker.url)
  await admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 1 }] })
  await producer.send({ topic: 'kept', messages: [{ value: 'x' }] })
  await broker.restart()
  assert.equal((await admin.fetchTopicOffsets('kept'))[0]?.high, '1')
  await broker.kill()
  assert.equal(await accepts(port), false)
  await broker.stop()
  const calls = docker.calls()
  const run = calls.find((call) => call.startsWith('run')) ?? ''
  assert.ok(calls.includes('pull --quiet example/kafka:4'))
  const published = [port, broker.proxied!.port].map((one) => `--publish 127.0.0.1:${one}:${one} `)
  for (const part of published) assert.ok(run.includes(part), run)
  assert.match(run, /example\/kafka:4$/)
  assert.match(calls.at(-1) ?? '', /^rm --force --volumes tidemill-kafka-/)
})

test('a Kafka that is given by its URL is used as it is, and one that does not answer is one error without its password', async () => {
  const { url } = await sharedKafka()
  const broker = await startBroker({ broker: url, env: {} })
  assert.deepEqual([broker.protocol, broker.kind, broker.url, broker.version], ['kafka', 'given', url, ''])
  await assert.rejects(broker.kill(), { code: 'ILLEGAL_STATE' })
  await broker.stop()
  assert.equal(await accepts(portOf(url)), true)
  const env = { TIDEMILL_BROKER_URL: 'kafka://me:secret@127.0.0.1:1,127.0.0.1:2', PATH: '' }
  for (const start of [() => startBroker({ env }), () => startKafka({ env })]) {
    await assert.rejects(start(), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'NO_BROKER')
      assert.match(error.message, /127\.0\.0\.1:1,127\.0\.0\.1:2 does not answer/)
      assert.doesNotMatch(error.message, /secret/)
      return true
    })
  }
})

test('clients of the proxied listener stay behind the proxy, which can cut, swallow and refuse their connections', async (t) => {
  const { kafka, proxy, url } = await proxiedKafka(t)
  const { admin, producer } = await clientsOf(t, url)
  await admin.createTopics({ topics: [{ topic: 'far', numPartitions: 1 }] })
  await producer.send({ topic: 'far', messages: [{ value: 'x' }] })
  assert.equal((await admin.describeCluster()).brokers[0]?.port, proxy.port)
  const before = proxy.accepted
  assert.ok(proxy.cut() > 0)
  await producer.send({ topic: 'far', messages: [{ value: 'x' }] })
  assert.ok(proxy.accepted > before, 'the next connection came through the proxy as well')
  // Others are not concerned.
  proxy.cut({ refuse: true })
  const near = await clientsOf(t, kafka.url)
  assert.deepEqual((await near.admin.fetchTopicOffsets('far'))[0]?.high, '2')
  proxy.heal()
})

test('a Kafka of a test is its own: others do not see its topics', async (t) => {
  const [own, shared] = await Promise.all([ownKafka(t), sharedKafka()])
  const { admin } = await clientsOf(t, own.url)
  await admin.createTopics({ topics: [{ topic: 'of-own', numPartitions: 1 }] })
  const other = await clientsOf(t, shared.url)
  assert.equal((await other.admin.listTopics()).includes('of-own'), false)
})

test('a topic of a test goes with the test, and so does the group that consumed it', async (t) => {
  const broker = await sharedKafka()
  const { admin } = await clientsOf(t, broker.url)
  const names: string[] = []
  await t.test('a test', async (inner) => {
    const { queue, topics, kafka, group } = await topicFor(inner, broker)
    names.push(...(await admin.listTopics()).filter((topic) => topic.startsWith(queue)))
    assert.deepEqual(names.toSorted(), [queue, topics.dead, topics.retry(200), topics.retry(1_000)].toSorted())
    const consumer = kafka.consumer({ groupId: group })
    await consumer.connect()
    await consumer.subscribe({ topics: [queue] })
    const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve))
    await consumer.run({ eachMessage: async () => undefined })
    await joined
    await consumer.disconnect()
    names.push(group)
  })
  await waitFor('nothing of it is there', async () => {
    const { groups } = await admin.listGroups()
    const there = [...(await admin.listTopics()), ...groups.map(({ groupId }) => groupId)]
    return names.every((name) => !there.includes(name))
  })
})
