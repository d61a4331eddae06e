/** One partition of one topic. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** What a member says of itself when it joins. */
export interface Joiner {
  readonly memberId: string
  readonly topics: readonly string[]
  /** What it had until now. */
  readonly owned: readonly TopicPartition[]
  /** The group's generation that it had it in; two members that say the same of one partition are told apart by it. */
  readonly generation: number
}

/**
 * Shares partitions out: of each topic every subscribed member gets as many as any other, or one less; the members with
 * more are those with fewer in all; and nobody loses a partition that the shares leave it. So a member that joins takes only what
 * it needs, and running jobs keep their partitions where they can. Deterministic, whatever the order of the members.
 */
export function assign(
  joiners: readonly Joiner[],
  partitionsOf: ReadonlyMap<string, readonly number[]>,
): Map<string, TopicPartition[]> {
  const shares = new Map(joiners.map(({ memberId }) => [memberId, [] as TopicPartition[]]))
  const owners = ownersOf(joiners)
  for (const [topic, partitions] of [...partitionsOf].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const members = joiners.filter(({ topics }) => topics.includes(topic)).map(({ memberId }) => memberId)
    if (members.length > 0) shareOut(topic, [...partitions].sort(rising), members, shares, owners)
  }
  return shares
}

function shareOut(
  topic: string,
  partitions: readonly number[],
  members: readonly string[],
  shares: ReadonlyMap<string, TopicPartition[]>,
  owners: ReadonlyMap<string, string>,
): void {
  const held = new Map(members.map((member) => [member, [] as number[]]))
  const free: number[] = []
  for (const partition of partitions) {
    const owner = owners.get(nameOf({ topic, partition })) ?? ''
    const mine = held.get(owner)
    if (mine === undefined) free.push(partition)
    else mine.push(partition)
  }
  // Who has least of other topics comes first for the odd ones; among equals, who holds more keeps more.
  const load = (member: string) => shares.get(member)!.length
  const order = [...members].sort(
    (one, other) =>
      load(one) - load(other) || held.get(other)!.length - held.get(one)!.length || (one < other ? -1 : 1),
  )
  const least = Math.floor(partitions.length / members.length)
  const odd = partitions.length % members.length
  const quotas = order.map((member, at) => [member, at < odd ? least + 1 : least] as const)
  for (const [member, quota] of quotas) free.push(...held.get(member)!.splice(quota))
  free.sort(rising)
  for (const [member, quota] of quotas) {
    const mine = held.get(member)!
    while (mine.length < quota) mine.push(free.shift()!)
    shares.get(member)!.push(...mine.sort(rising).map((partition) => ({ topic, partition })))
  }
}

/** Who has each partition: of members that claim the same, the one with the later generation. */
function ownersOf(joiners: readonly Joiner[]): Map<string, string> {
  const claims = new Map<string, Joiner>()
  for (const joiner of joiners) {
    for (const partition of joiner.owned) {
      const name = nameOf(partition)
      const other = claims.get(name)
      const isLater =
        other === undefined ||
        joiner.generation > other.generation ||
        (joiner.generation === other.generation && joiner.memberId < other.memberId)
      if (isLater) claims.set(name, joiner)
    }
  }
  return new Map([...claims].map(([name, { memberId }]) => [name, memberId]))
}

/** How a partition is called in logs, and what it is told apart by. */
export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}[${partition}]`
}

function rising(one: number, other: number): number {
  return one - other
}
