import { nameOf } from '../../worker/brokers/kafka/assignment.ts'
import type { Name, Traffic, WireCommit } from './wiretap.ts'

/** What the traffic of a group says of its commits. A commit is one partition in one request. */
export interface EpochVerdict {
  readonly generations: number
  readonly commits: number
  /** What the broker said against how many of them, as in `ILLEGAL_GENERATION: 2`. */
  readonly refused: Readonly<Record<string, number>>
  /** Commits whose connection was gone before the answer. */
  readonly unanswered: number
  /** Foreign commits that were refused or not answered. */
  readonly foreign: number
  /** Foreign commits that the broker took, and what kept any from being seen, a sentence each. */
  readonly breaches: readonly string[]
}

/** How many breaches are told one by one. */
const SHOWN = 20

/**
 * Judges who committed what. A commit is foreign when it names a partition that this very member was not given in the generation that
 * the commit carries, or a generation or member to whom nothing was given. Whether the member was told before it committed or after
 * does not matter: what the broker gave is what counts.
 */
export function foreignCommitsOf(group: string, traffic: Traffic): EpochVerdict {
  const shares = traffic.shares.filter((share) => share.group === group)
  const commits = traffic.commits.filter((commit) => commit.group === group)
  const given = new Map<string, Set<string>>()
  for (const share of shares) given.set(epochOf(share), new Set(share.partitions.map(nameOf)))
  const foreign = commits.flatMap((commit) => {
    const why = whyForeign(commit, given)
    return why === undefined ? [] : [{ commit, why }]
  })
  const taken = foreign.filter(({ commit }) => commit.answer === 'taken')
  const told = taken.map(
    ({ commit, why }) => `${nameOf(commit)}: a foreign commit of ${commit.position} was taken: ${why}`,
  )
  const refused: Record<string, number> = {}
  for (const { answer } of commits) {
    if (answer !== 'taken' && answer !== 'unanswered') refused[answer] = (refused[answer] ?? 0) + 1
  }
  return {
    generations: new Set(shares.map(({ generation }) => generation)).size,
    commits: commits.length,
    refused,
    unanswered: commits.filter(({ answer }) => answer === 'unanswered').length,
    foreign: foreign.length - taken.length,
    breaches: [
      ...traffic.faults,
      ...(commits.length === 0 ? ['void: no commit was seen on the wire'] : []),
      ...told.slice(0, SHOWN),
      ...(told.length > SHOWN ? [`and ${told.length - SHOWN} more`] : []),
    ],
  }
}

function whyForeign(commit: WireCommit, given: ReadonlyMap<string, ReadonlySet<string>>): string | undefined {
  const { memberId, generation } = commit
  const partitions = given.get(epochOf(commit))
  if (partitions === undefined) return `${memberId || 'nobody'} was given nothing in generation ${generation}`
  if (partitions.has(nameOf(commit))) return undefined
  return `${memberId} was not given it in generation ${generation}, but ${[...partitions].join(', ') || 'nothing'}`
}

function epochOf({ generation, memberId }: Name): string {
  return `${generation} ${memberId}`
}
