import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { Wiretap } from './faults/wiretap.ts'
import type { Direction } from './load/proxy.ts'

// The other side of the wire: kafkajs's own encoders, which carry no types.
const load = createRequire(import.meta.url)
const Encoder = load('kafkajs/src/protocol/encoder.js')
const encodeRequest = load('kafkajs/src/protocol/request.js')
const requests = {
  sync: load('kafkajs/src/protocol/requests/syncGroup/index.js'),
  commit: load('kafkajs/src/protocol/requests/offsetCommit/index.js'),
  heartbeat: load('kafkajs/src/protocol/requests/heartbeat/index.js'),
}
const { MemberAssignment } = load('kafkajs/src/consumer/assignerProtocol.js')

interface Asked {
  readonly version: number
  readonly correlationId: number
  readonly [field: string]: unknown
}

/** A request as kafkajs sends it. */
async function request(kind: keyof typeof requests, { version, correlationId, ...fields }: Asked): Promise<Buffer> {
  const { request: body } = requests[kind].protocol({ version })({ groupId: 'g', memberId: 'm', ...fields })
  return (await encodeRequest({ correlationId, clientId: 'c', request: body })).buffer
}

/** An answer as Kafka sends it: its length, the number of the request, and no throttling. */
function answer(correlationId: number, write: (encoder: typeof Encoder) => unknown): Buffer {
  const body = new Encoder().writeInt32(correlationId).writeInt32(0)
  write(body)
  return new Encoder().writeInt32(body.size()).writeEncoder(body).buffer
}

const synced = (correlationId: number, assignment: Record<string, number[]>, code = 0) =>
  answer(correlationId, (to) =>
    to.writeInt16(code).writeBytes(code === 0 ? MemberAssignment.encode({ version: 0, assignment }) : Buffer.alloc(0)),
  )

const committed = (correlationId: number, topic: string, codes: Record<number, number>) =>
  answer(correlationId, (to) =>
    to.writeArray([
      new Encoder()
        .writeString(topic)
        .writeArray(
          Object.entries(codes).map(([number, code]) => new Encoder().writeInt32(Number(number)).writeInt16(code)),
        ),
    ]),
  )

const topicsOf = (topic: string, ...partitions: number[]) => [
  { topic, partitions: partitions.map((partition) => ({ partition, offset: String(40 + partition), metadata: 'é' })) },
]

/** A member that is given two partitions, commits both, and is refused one of them. */
async function conversation(): Promise<[Direction, Buffer][]> {
  const sync = { version: 3, correlationId: 1, generationId: 5, groupAssignment: [] }
  const commit = { version: 5, correlationId: 3, groupGenerationId: 5, topics: topicsOf('work', 0, 1) }
  return [
    ['up', await request('sync', sync)],
    ['up', await request('heartbeat', { version: 3, correlationId: 2, groupGenerationId: 5 })],
    ['down', synced(1, { work: [0, 1], late: [] })],
    ['down', answer(2, (to) => to.writeInt16(0))],
    ['up', await request('commit', commit)],
    ['down', committed(3, 'work', { 1: 22, 0: 0 })],
  ]
}

const name = { group: 'g', generation: 5, memberId: 'm' }
const HEARD = {
  shares: [{ ...name, partitions: [0, 1].map((partition) => ({ topic: 'work', partition })) }],
  commits: [
    { ...name, topic: 'work', partition: 0, position: 40, answer: 'taken' },
    { ...name, topic: 'work', partition: 1, position: 41, answer: 'ILLEGAL_GENERATION' },
  ],
  faults: [],
}

function hear(wiretap: Wiretap, said: readonly [Direction, Buffer][]): object {
  const listener = wiretap.listen()
  for (const [direction, bytes] of said) listener(direction, bytes)
  const { shares, commits, faults } = wiretap
  return { shares, commits, faults }
}

test('what a member is given, what it commits and what the broker says to that are read', async () => {
  assert.deepEqual(hear(new Wiretap(), await conversation()), HEARD)
})

for (const size of [1, 3, 50]) {
  test(`it is read as well when it comes in pieces of ${size} bytes`, async () => {
    const pieces = (await conversation()).flatMap(([direction, bytes]) =>
      Array.from({ length: Math.ceil(bytes.length / size) }, (_, n): [Direction, Buffer] => [
        direction,
        bytes.subarray(n * size, (n + 1) * size),
      ]),
    )
    assert.deepEqual(hear(new Wiretap(), pieces), HEARD)
  })
}

test('it is read as well when much comes at once', async () => {
  const said = await conversation()
  const all = (wanted: Direction) =>
    Buffer.concat(said.flatMap(([direction, bytes]) => (direction === wanted ? [bytes] : [])))
  assert.deepEqual(
    hear(new Wiretap(), [
      ['up', all('up')],
      ['down', all('down')],
    ]),
    HEARD,
  )
})

test('requests of the same number on two connections are told apart', async () => {
  const wiretap = new Wiretap()
  const [one, other] = [wiretap.listen(), wiretap.listen()]
  const ask = async (memberId: string) =>
    request('sync', { version: 3, correlationId: 1, generationId: 5, memberId, groupAssignment: [] })
  one('up', await ask('one'))
  other('up', await ask('other'))
  other('down', synced(1, { work: [1] }))
  one('down', synced(1, { work: [0] }))
  assert.deepEqual(
    wiretap.shares.map(({ memberId, partitions }) => [memberId, partitions.map(({ partition }) => partition)]),
    [
      ['other', [1]],
      ['one', [0]],
    ],
  )
})

test('a share that was refused is none, and a commit whose connection ends is left unanswered', async () => {
  const wiretap = new Wiretap()
  const said = await conversation()
  hear(wiretap, [said[0]!, ['down', synced(1, {}, 27)], said[4]!])
  assert.deepEqual(wiretap.shares, [])
  assert.deepEqual(
    wiretap.commits.map((commit) => commit.answer),
    ['unanswered', 'unanswered'],
  )
})

test('a version that is not known, and what is not of Kafka, is a fault and not passed over', async () => {
  const wiretap = new Wiretap()
  const sync = { version: 2, correlationId: 1, generationId: 5, groupAssignment: [] }
  hear(wiretap, [['up', await request('sync', sync)]])
  hear(wiretap, [
    [
      'up',
      await request('commit', { version: 4, correlationId: 1, groupGenerationId: 5, topics: topicsOf('work', 0) }),
    ],
  ])
  hear(wiretap, [['down', Buffer.from('HTTP/1.1 400')]])
  assert.deepEqual(wiretap.commits, [])
  assert.deepEqual(wiretap.faults, [
    'a connection could not be read on: Error: expected SyncGroup of version 3, got 2',
    'a connection could not be read on: Error: expected OffsetCommit of version 5, got 4',
    "a connection could not be read on: Error: expected the length of a message of Kafka's, got 1213486160",
  ])
})
