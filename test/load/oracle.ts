/** What is known of a run, by the ids of its jobs. */
export interface Evidence {
  /** Confirmed by the broker. */
  readonly confirmed: Iterable<string>
  /** Sent without a confirm: they may come or not. Default: none. */
  readonly unconfirmed?: Iterable<string>
  /** Every begin of a handler, repeats included. */
  readonly started: Iterable<string>
  /** Every end of a handler that did its work, repeats included. */
  readonly done: Iterable<string>
  /** What lies in the dead-letter queue. Default: nothing. */
  readonly dead?: Iterable<string>
  /** Jobs that were made to fail: these and no others belong into the dead-letter queue. Default: none. */
  readonly planted?: Iterable<string>
}

/** What became of the jobs of a run. The lists hold each id once, in the order of the evidence. */
export interface Verdict {
  /** Nothing lost and nothing unexpected. Duplicates are allowed by an at-least-once promise; whoever allows none looks at `duplicated`. */
  readonly ok: boolean
  /** Distinct confirmed jobs. */
  readonly enqueued: number
  /** Distinct jobs done. */
  readonly done: number
  /** Confirmed, and neither done nor dead-lettered as planned. A job that was dead-lettered without having been planted is lost, also when it was done. */
  readonly lost: readonly string[]
  /** Done more than once. */
  readonly duplicated: readonly string[]
  /** Begun more than once: by a duplicate, a retry, or an interruption. */
  readonly repeated: readonly string[]
  /** Started, done or dead without ever having been sent; or done without having been started. */
  readonly unexpected: readonly string[]
  readonly deadIds: readonly string[]
  /** Unconfirmed, and done all the same. */
  readonly recovered: readonly string[]
}

/**
 * Judges a run. Pure: counting is all that it does. The checks are those of RabbitMQ's own Jepsen suite (total-queue: lost, duplicated,
 * unexpected, recovered), with dead letters on top.
 */
export function judge(evidence: Evidence): Verdict {
  const confirmed = new Set(evidence.confirmed)
  const unconfirmed = new Set(evidence.unconfirmed)
  const planted = new Set(evidence.planted)
  const dead = new Set(evidence.dead)
  const starts = tally(evidence.started)
  const ends = tally(evidence.done)
  const wasSent = (id: string) => confirmed.has(id) || unconfirmed.has(id)

  const condemned = [...dead].filter((id) => !planted.has(id))
  const missing = [...confirmed].filter((id) => !ends.has(id) && !dead.has(id))
  const lost = [...missing, ...condemned.filter(wasSent)]
  const strangers = [...starts.keys(), ...ends.keys(), ...dead].filter((id) => !wasSent(id))
  const unstarted = [...ends.keys()].filter((id) => !starts.has(id))
  const unexpected = [...new Set([...strangers, ...unstarted])]
  return {
    ok: lost.length === 0 && unexpected.length === 0,
    enqueued: confirmed.size,
    done: ends.size,
    lost,
    duplicated: moreThanOnce(ends),
    repeated: moreThanOnce(starts),
    unexpected,
    deadIds: [...dead],
    recovered: [...unconfirmed].filter((id) => !confirmed.has(id) && ends.has(id)),
  }
}

function tally(ids: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}

function moreThanOnce(counts: ReadonlyMap<string, number>): string[] {
  return [...counts].filter(([, count]) => count > 1).map(([id]) => id)
}
