import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assign, type Joiner, nameOf, type TopicPartition } from '../../../../worker/brokers/kafka/assignment.ts'

const range = (count: number) => Array.from({ length: count }, (_, at) => at)

function joiner(
  memberId: string,
  topics: readonly string[],
  owned: readonly TopicPartition[] = [],
  generation = 0,
): Joiner {
  return { memberId, topics, owned, generation }
}

const sizes = (shares: ReadonlyMap<string, readonly TopicPartition[]>, topic: string) =>
  [...shares.values()].map((share) => share.filter((one) => one.topic === topic).length)

test('every partition goes to exactly one subscribed member, and no member has two more of a topic than another', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 1, maxLength: 4 }), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.nat(30),
      fc.nat(7),
      fc.array(fc.tuple(fc.nat(7), fc.constantFrom('work', 'retry'), fc.nat(40), fc.nat(3)), { maxLength: 60 }),
      (ids, work, retry, claims) => {
        const joiners = ids.map((id, at) => {
          const mine = claims.filter(([owner]) => owner === at)
          const owned = mine.map(([, topic, partition]) => ({ topic, partition }))
          return joiner(id, at % 3 === 2 ? ['work'] : ['work', 'retry'], owned, mine[0]?.[3] ?? 0)
        })
        const partitions = new Map([
          ['work', range(work)],
          ['retry', range(retry)],
        ])
        const shares = assign(joiners, partitions)
        const all = [...shares.values()].flat().map(nameOf)
        assert.equal(new Set(all).size, all.length)
        assert.equal(all.length, work + retry)
        for (const topic of ['work', 'retry']) {
          const subscribed = joiners.filter(({ topics }) => topics.includes(topic)).map(({ memberId }) => memberId)
          const counts = sizes(new Map(subscribed.map((id) => [id, shares.get(id)!])), topic)
          assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${topic}: ${counts}`)
        }
        assert.deepEqual(
          assign([...joiners].reverse(), partitions),
          new Map([...shares].sort(byIdOf([...joiners].reverse()))),
        )
      },
    ),
    { numRuns: 500 },
  )
})

function byIdOf(joiners: readonly Joiner[]) {
  const at = (id: string) => joiners.findIndex(({ memberId }) => memberId === id)
  return ([one]: [string, unknown], [other]: [string, unknown]) => at(one) - at(other)
}

test('a member that joins takes only what it needs, and one that leaves gives only what it had', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
      (count, moves) => {
        const partitions = new Map([['work', range(count)]])
        let members = ['m0']
        let shares = assign([joiner('m0', ['work'])], partitions)
        let next = 1
        for (const [generation, joins] of moves.entries()) {
          const before = shares
          members = joins || members.length === 1 ? [...members, `m${next++}`] : members.slice(1)
          shares = assign(
            members.map((id) => joiner(id, ['work'], before.get(id) ?? [], generation)),
            partitions,
          )
          let moved = 0
          for (const [id, share] of shares) {
            const had = new Set((before.get(id) ?? []).map(nameOf))
            moved += share.filter((one) => !had.has(nameOf(one))).length
          }
          const least = Math.floor(count / members.length)
          const needed =
            joins || members.length === 1
              ? least + 1
              : [...before.values()].reduce((most, share) => Math.max(most, share.length), 0)
          assert.ok(moved <= needed, `${moved} partitions moved, ${needed} had to`)
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('of two members that claim a partition, the one of the later generation keeps it', () => {
  const owned = [{ topic: 'work', partition: 0 }]
  const partitions = new Map([['work', [0, 1]]])
  const shares = assign([joiner('a', ['work'], owned, 3), joiner('b', ['work'], owned, 4)], partitions)
  assert.deepEqual(shares.get('b'), owned)
})

test('a topic that nobody is subscribed to is left alone', () => {
  const shares = assign(
    [joiner('a', ['work'])],
    new Map([
      ['work', [0]],
      ['other', [0, 1]],
    ]),
  )
  assert.deepEqual(shares, new Map([['a', [{ topic: 'work', partition: 0 }]]]))
})
