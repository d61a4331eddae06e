import assert from 'node:assert/strict'
import { test } from 'node:test'
import { notSent, refusalOf, topicFault, undecided } from '../../../../worker/brokers/kafka/publish-errors.ts'
import { type Pending, PublishLane } from '../../../../worker/brokers/kafka/publish-lane.ts'
import { PublishLanes } from '../../../../worker/brokers/kafka/publish-lanes.ts'
import { copyOf } from './room.ts'

/** What the brokers say of topics, by name: an error and the leader of each partition. */
type Topics = Readonly<Record<string, { readonly error: number; readonly leaders: readonly number[] }>>

function pendingOf(value: string, topic = 'jobs', key: string | null = null): Pending {
  const copy = copyOf(topic, value, key)
  return { copy, resolve() {}, reject() {}, since: 0, writtenAt: undefined, code: undefined, settled: false }
}

function stateOf({ error, leaders }: Topics[string]) {
  return { error, leaders, led: [...leaders.keys()].filter((partition) => leaders[partition]! >= 0) }
}

/** As the publisher uses them. */
function take(lanes: PublishLanes, topics: Topics, now = 0, busy: readonly number[] = []) {
  return lanes.take({ stateOf: (topic) => topics[topic] && stateOf(topics[topic]) }, new Set(busy), now)
}

const valuesOf = (batch: readonly Pending[]) => batch.map(({ copy }) => String(copy.value))

test('a partition without a leader holds up no other, and is tried again after a while', () => {
  const lanes = new PublishLanes()
  const topics = { jobs: { error: 0, leaders: [1, -1] }, dead: { error: 0, leaders: [-1] } }
  const state = { ...stateOf(topics.jobs), led: [0, 1] }
  lanes.add(pendingOf('a'), state)
  lanes.add(pendingOf('b'), state)
  lanes.add(pendingOf('c', 'dead'), { ...stateOf(topics.dead), led: [0] })
  const first = take(lanes, topics)
  assert.deepEqual([...first.byLeader.keys()], [1])
  assert.equal(first.byLeader.get(1)!.length, 1)
  assert.equal(first.isLeaderless, true)
  assert.ok(first.nextAt > 0 && first.nextAt < 1_000)
  const later = take(
    lanes,
    { jobs: { error: 0, leaders: [1, 2] }, dead: { error: 0, leaders: [2] } },
    first.nextAt + 999,
  )
  assert.deepEqual([...later.byLeader.keys()], [2])
  assert.equal(later.byLeader.get(2)!.length, 2)
})

test('a leader with a request under way gets no other, and a lane with a batch under way is left alone', () => {
  const lanes = new PublishLanes()
  const topics = { jobs: { error: 0, leaders: [1] } }
  lanes.add(pendingOf('a'), stateOf(topics.jobs))
  assert.equal(take(lanes, topics, 0, [1]).byLeader.size, 0)
  const [load] = take(lanes, topics).byLeader.get(1)!
  load!.lane.busy = true
  lanes.add(pendingOf('b'), stateOf(topics.jobs))
  assert.equal(take(lanes, topics).byLeader.size, 0)
  load!.lane.busy = false
  assert.deepEqual(valuesOf(take(lanes, topics).byLeader.get(1)![0]!.batch), ['b'])
})

test('what waits for a topic that is gone is stranded, with the reason', () => {
  const lanes = new PublishLanes()
  const pending = pendingOf('a')
  lanes.add(pending, stateOf({ error: 0, leaders: [1] }))
  const { stranded } = take(lanes, { jobs: { error: 3, leaders: [] } })
  assert.deepEqual(
    stranded.map(([one, error]) => [one, error.code]),
    [[pending, 'UNROUTABLE']],
  )
})

test('what has to be sent again goes before what came later, in order; what was given up does not go', () => {
  const lane = new PublishLane('jobs', 0)
  for (const value of ['a', 'b', 'c']) lane.push(pendingOf(value))
  const batch = lane.take()
  for (const value of ['d', 'e']) lane.push(pendingOf(value))
  lane.failed(batch, 0)
  batch[1]!.settled = true
  assert.deepEqual(valuesOf(lane.take()), ['a', 'c', 'd', 'e'])
  assert.equal(lane.size, 0)
})

test('records are sent apart, by halves, until one stands alone; then more go together again', () => {
  const lane = new PublishLane('jobs', 0)
  for (let index = 0; index < 20; index++) lane.push(pendingOf(String(index)))
  const sizes: number[] = []
  for (let batch = lane.take(); batch.length > 1; batch = lane.take()) {
    sizes.push(batch.length)
    lane.split(batch)
  }
  assert.deepEqual(sizes, [20, 10, 5, 2])
  sizes.length = 0
  for (let batch = lane.take(); batch.length > 0; batch = lane.take()) {
    sizes.push(batch.length)
    lane.succeeded()
  }
  assert.deepEqual(sizes, [1, 2, 4, 8, 4])
})

test('no batch is larger than a topic takes by default, but a record that is larger goes alone', () => {
  const lane = new PublishLane('jobs', 0)
  for (const bytes of [600_000, 300_000, 300_000, 2_000_000, 10]) lane.push(pendingOf('x'.repeat(bytes)))
  const sizes: number[] = []
  for (let batch = lane.take(); batch.length > 0; batch = lane.take()) sizes.push(batch.length)
  assert.deepEqual(sizes, [2, 1, 1, 1])
})

test('a refusal means to wait, to send apart or to give up, and its error says so', () => {
  for (const code of [-1, 2, 3, 5, 6, 7, 19, 20, 56, 89]) assert.equal(refusalOf(code), 'again', String(code))
  for (const code of [10, 18, 32, 87]) assert.equal(refusalOf(code), 'apart', String(code))
  for (const code of [17, 29, 31]) assert.equal(refusalOf(code), 'all', String(code))
  assert.deepEqual(
    [0, 3, 5, 17, 29].map((code) => topicFault('jobs', code)?.code),
    [undefined, 'UNROUTABLE', undefined, 'UNROUTABLE', 'REFUSED'],
  )
  assert.deepEqual(
    [undecided('jobs', 9, 19, true), undecided('jobs', 9, undefined, false), undecided('jobs', 9, 7, true)].map(
      ({ code }) => code,
    ),
    ['BLOCKED', 'BLOCKED', 'CONFIRM_TIMEOUT'],
  )
  assert.match(undecided('jobs', 9, 19, true).message, /within 9 ms, got NOT_ENOUGH_REPLICAS/)
  assert.equal(notSent(9, undefined).code, 'CONNECTION_LOST')
})
