import type { TopicPartition } from './assignment.ts'
import { type Fetched, fetchFrom, type Wanted } from './fetch.ts'
import type { Group } from './group.ts'
import type { Session } from './session.ts'

/** What is fetched, and for whom. */
export interface FetchHooks {
  /** Partitions that want more, each with where it begins. */
  wanted(): readonly Wanted[]
  /** In how many ms one that has enough for now will want more. */
  lastsMs(): number
  fetched(answer: Fetched): void
  /** The log does not hold the offset that was asked for (any more). */
  outOfRange(partition: TopicPartition): void
}

const MAX_BYTES = 4 * 1024 * 1024
/**
 * How long a broker may wait for records. It answers a connection's requests one after the other: while it waits for one of a
 * partition that has none (a topic of retries), one with plenty can't be fetched, so it waits until that one wants more.
 */
const MAX_WAIT_MS = 250
const MIN_WAIT_MS = 10
/** Metadata grow old also when nothing is fetched. */
const LOOK_EVERY_MS = 3_000
const OFFSET_OUT_OF_RANGE = 1
/** https://kafka.apache.org/protocol#protocol_error_codes */
const ERRORS: Readonly<Record<number, string>> = {
  3: 'UNKNOWN_TOPIC_OR_PARTITION',
  5: 'LEADER_NOT_AVAILABLE',
  6: 'NOT_LEADER_FOR_PARTITION',
  29: 'TOPIC_AUTHORIZATION_FAILED',
  74: 'FENCED_LEADER_EPOCH',
  75: 'UNKNOWN_LEADER_EPOCH',
}
/** Partitions that were added are shared out among all, so all have to join again. */
const GROWN = Object.assign(new Error('partitions were added'), { type: 'REBALANCE_IN_PROGRESS' })

const LEADERLESS = Object.assign(new Error('a partition has no leader'), { type: 'LEADER_NOT_AVAILABLE' })

/** Keeps one fetch under way at each broker that leads a partition which wants more. */
export class Fetcher {
  readonly #group: Group
  readonly #hooks: FetchHooks
  readonly #sleepers = new Set<() => void>()
  #stopped = false

  constructor(group: Group, hooks: FetchHooks) {
    this.#group = group
    this.#hooks = hooks
  }

  get isStopped(): boolean {
    return this.#stopped
  }

  /** A partition wants more than it did, or a session is over. */
  wake(): void {
    for (const wake of [...this.#sleepers]) wake()
  }

  /** For good. */
  stop(): void {
    this.#stopped = true
    this.wake()
  }

  /** Fetches what is wanted, from all brokers at once, until the session is over. Rejects with what a broker says. */
  async run(session: Session): Promise<void> {
    const busy = new Map<string, Promise<void>>()
    while (!session.isOver && !this.#stopped) {
      await this.#group.refresh(false)
      if (this.#group.hasGrown) session.end(GROWN)
      const hungry = this.#hooks.wanted()
      const leaders = this.#group.leaders(hungry)
      let led = 0
      for (const [nodeId, wanted] of leaders) {
        led += wanted.length
        if (busy.has(nodeId)) continue
        const fetching = this.#fetch(session, nodeId, wanted)
          .catch((error) => session.end(error))
          .finally(() => {
            busy.delete(nodeId)
            this.wake()
          })
        busy.set(nodeId, fetching)
      }
      if (led < hungry.length) session.end(LEADERLESS)
      if (!session.isOver) await this.#untilHungry()
    }
  }

  async #fetch(session: Session, nodeId: string, wanted: readonly Wanted[]): Promise<void> {
    const broker = await this.#group.broker(nodeId)
    const maxWaitMs = Math.round(Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, this.#hooks.lastsMs())))
    const answers = await fetchFrom(broker, wanted, { maxWaitMs, maxBytes: MAX_BYTES })
    if (session.isOver) return
    for (const answer of answers) {
      if (answer.error === 0) this.#hooks.fetched(answer)
      else if (answer.error === OFFSET_OUT_OF_RANGE) this.#hooks.outOfRange(answer)
      else throw errorOf(answer)
    }
  }

  #untilHungry(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        this.#sleepers.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, LOOK_EVERY_MS)
      this.#sleepers.add(wake)
    })
  }
}

function errorOf({ topic, partition, error }: Fetched): Error {
  const type = ERRORS[error]
  return Object.assign(new Error(`${topic}[${partition}] can't be fetched: ${type ?? `error ${error}`}`), { type })
}
