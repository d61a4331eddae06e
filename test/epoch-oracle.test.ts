import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foreignCommitsOf } from './faults/epoch-oracle.ts'
import type { Share, WireCommit } from './faults/wiretap.ts'

const TOPIC = 'work'

function share(memberId: string, generation: number, ...partitions: number[]): Share {
  return { group: 'g', memberId, generation, partitions: partitions.map((partition) => ({ topic: TOPIC, partition })) }
}

function commit(memberId: string, generation: number, partition: number, answer = 'taken'): WireCommit {
  return { group: 'g', memberId, generation, topic: TOPIC, partition, position: 7, answer }
}

function judge(shares: Share[], commits: WireCommit[], faults: string[] = []) {
  return foreignCommitsOf('g', { shares, commits, faults })
}

/** One member has all, then a second one takes half. */
const SHARES = [share('a', 1, 0, 1), share('a', 2, 0), share('b', 2, 1)]

test('commits of what each member was given in the generation that they carry are in order, and counted', () => {
  const commits = [commit('a', 1, 0), commit('a', 1, 1), commit('a', 2, 0), commit('b', 2, 1)]
  assert.deepEqual(judge(SHARES, commits), {
    generations: 2,
    commits: 4,
    refused: {},
    unanswered: 0,
    foreign: 0,
    breaches: [],
  })
})

test('a commit under the new generation of a partition that went to another is foreign', () => {
  assert.deepEqual(judge(SHARES, [commit('a', 2, 1), commit('b', 2, 0)]).breaches, [
    'work[1]: a foreign commit of 7 was taken: a was not given it in generation 2, but work[0]',
    'work[0]: a foreign commit of 7 was taken: b was not given it in generation 2, but work[1]',
  ])
})

test('so is one under a generation that its member was no part of, by a member that nobody knows, or by nobody', () => {
  assert.deepEqual(judge(SHARES, [commit('b', 1, 1), commit('c', 2, 1), commit('', -1, 1)]).breaches, [
    'work[1]: a foreign commit of 7 was taken: b was given nothing in generation 1',
    'work[1]: a foreign commit of 7 was taken: c was given nothing in generation 2',
    'work[1]: a foreign commit of 7 was taken: nobody was given nothing in generation -1',
  ])
})

test('a partition of the same number in another topic is another partition', () => {
  assert.equal(judge(SHARES, [{ ...commit('a', 2, 0), topic: 'other' }]).breaches.length, 1)
})

test('a commit that was sent before its member heard of its share is judged by the share', () => {
  assert.deepEqual(
    foreignCommitsOf('g', { commits: [commit('b', 2, 1)], shares: SHARES.slice(1), faults: [] }).breaches,
    [],
  )
})

test('foreign commits that the broker refused, or whose answer nobody saw, are no breach, and are counted', () => {
  const commits = [
    commit('a', 1, 1, 'ILLEGAL_GENERATION'),
    commit('a', 2, 1, 'ILLEGAL_GENERATION'),
    commit('c', 2, 1, 'UNKNOWN_MEMBER_ID'),
    commit('a', 2, 1, 'unanswered'),
  ]
  assert.deepEqual(judge(SHARES, commits), {
    generations: 2,
    commits: 4,
    refused: { ILLEGAL_GENERATION: 2, UNKNOWN_MEMBER_ID: 1 },
    unanswered: 1,
    foreign: 3,
    breaches: [],
  })
})

test('a group is not judged by another one on the same wire', () => {
  const other = { ...commit('a', 1, 1), group: 'other' }
  assert.deepEqual(judge([share('a', 1, 0)], [other, commit('a', 1, 0)]).breaches, [])
  const lent = { ...share('a', 1, 1), group: 'other' }
  assert.equal(judge([share('a', 1, 0), lent], [commit('a', 1, 1)]).breaches.length, 1)
})

test('a wire on which no commit was seen, or that could not be read, proves nothing and is a breach', () => {
  assert.deepEqual(judge(SHARES, []).breaches, ['void: no commit was seen on the wire'])
  assert.deepEqual(judge(SHARES, [commit('a', 1, 0)], ['it could not be read']).breaches, ['it could not be read'])
})

test('many breaches are told up to a point, and the rest counted', () => {
  const { breaches } = judge(
    SHARES,
    Array.from({ length: 25 }, () => commit('a', 2, 1)),
  )
  assert.deepEqual([breaches.length, breaches.at(-1)], [21, 'and 5 more'])
})
