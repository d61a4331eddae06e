import type { TidemillError } from '../../errors.ts'
import { fullJitter, Pause, settledWithin } from '../waiting.ts'
import { nameOf, type TopicPartition } from './assignment.ts'
import { fatalError, faultOf } from './faults.ts'
import { Fetcher, type FetchHooks } from './fetcher.ts'
import type { Committed, Epoch, Group } from './group.ts'
import { Session } from './session.ts'

/** Where a partition begins. */
export interface Start extends TopicPartition {
  readonly position: number
  readonly metadata: string | null
  /** The group has committed nothing of it: the position is an edge of the log. */
  readonly isUncommitted?: true
}

/** What a member tells the one that it fetches for. */
export interface MemberHooks extends FetchHooks {
  /** Others wait for the group to share out anew: resolves when what runs has ended, or may wait no longer. */
  handOver(): Promise<void>
  /**
   * What is assigned from now on. `isContinuous`: what is still there was nobody else's in between. Returns the partitions that
   * begin anew.
   */
  assigned(partitions: readonly TopicPartition[], isContinuous: boolean): readonly TopicPartition[]
  started(starts: readonly Start[]): void
  /** Whatever was assigned is or may be somebody else's now. */
  lost(reason: unknown): void
  /** No try can help: nothing more comes. */
  failed(error: TidemillError): void
  missing(topics: readonly string[]): void
  connected(): void
  disconnected(error: unknown, retryInMs: number): void
}

export interface MemberOptions {
  readonly group: Group
  readonly hooks: MemberHooks
  readonly sessionTimeoutMs: number
  /** Where a partition begins of which nothing was ever committed. */
  edgeOf(topic: string): 'earliest' | 'latest'
}

const NO_EPOCH: Epoch = { memberId: '', generation: -1 }
const MAX_HEARTBEAT_MS = 1_000
const BASE_DELAY_MS = 100
const MAX_DELAY_MS = 5_000
const MISSING_DELAY_MS = 1_000
/** So often in a row, and credentials or addresses may have changed. */
const FAILURES_TO_RENEW = 3

/** Keeps a membership alive and fetches what is assigned, for ever and through every loss, until it is told to leave. */
export class Member {
  readonly #options: MemberOptions
  readonly #hooks: MemberHooks
  readonly #group: Group
  readonly #heartbeatMs: number
  readonly #pause = new Pause()
  readonly #fetcher: Fetcher
  #running: Promise<void> | undefined
  #session: Session | undefined
  #isEnding = false
  #isConnected = false
  #mustJoin = true
  #unstarted: readonly TopicPartition[] = []
  /** Of them, those whose commit is of no use. */
  readonly #restarted = new Set<string>()
  #epoch = NO_EPOCH
  #heardAt = 0
  #failures = 0

  constructor(options: MemberOptions) {
    this.#options = options
    this.#hooks = options.hooks
    this.#group = options.group
    this.#fetcher = new Fetcher(options.group, options.hooks)
    this.#heartbeatMs = Math.min(MAX_HEARTBEAT_MS, options.sessionTimeoutMs / 3)
  }

  /** True while assigned and in touch with the group. */
  get ready(): boolean {
    return this.#session !== undefined && !this.#fetcher.isStopped
  }

  /** Of the last assignment, not of the last join: by that, what it has may be another's, and the broker would take a commit of it. */
  get epoch(): Epoch {
    return this.#epoch
  }

  open(): void {
    this.#running ??= this.#run()
  }

  /** A partition wants more than it did. */
  wake(): void {
    this.#fetcher.wake()
  }

  /** Fetches no more, and stays a member: what was fetched can still be committed. */
  stopFetching(): void {
    this.#fetcher.stop()
    if (!this.#group.isMember) this.#end()
  }

  /** Leaves the group and disconnects, within `timeoutMs`. Never rejects. */
  async leave(timeoutMs: number): Promise<void> {
    this.#end()
    if (this.#running !== undefined) await settledWithin(this.#running, timeoutMs)
    this.#group.disconnect()
  }

  /** Begins a partition anew, from an edge of its log. */
  restart(partition: TopicPartition): void {
    this.#unstarted = [...this.#unstarted, partition]
    this.#restarted.add(nameOf(partition))
    this.#session?.end(undefined)
  }

  /** The group has gone on or does not know this member, as somebody has found out who spoke in the name of `epoch`. */
  suspect(error: unknown, epoch: Epoch): void {
    // What was assigned since then is not in doubt.
    if (epoch !== this.#epoch) return
    if (['rejoin', 'outdated', 'expelled'].includes(faultOf(error))) this.#session?.end(error)
  }

  #end(): void {
    this.#isEnding = true
    this.#pause.cut()
    this.#session?.end(undefined)
  }

  async #run(): Promise<void> {
    while (!this.#isEnding) {
      try {
        await this.#step()
      } catch (error) {
        if (!this.#isEnding && !(await this.#recover(error))) break
      }
    }
    // So that nobody waits for the session to run out.
    await this.#group.leave().catch(() => undefined)
  }

  async #step(): Promise<void> {
    if (!this.#isConnected) {
      const missing = await this.#group.connect()
      if (missing.length > 0) {
        this.#hooks.missing(missing)
        await this.#pause.wait(MISSING_DELAY_MS)
        return
      }
      this.#isConnected = true
    }
    if (this.#mustJoin) await this.#join()
    if (this.#isEnding) return
    if (this.#unstarted.length > 0) await this.#start()
    this.#hooks.connected()
    await this.#serve()
  }

  async #join(): Promise<void> {
    if (this.#group.isMember) await this.#handOver()
    if (this.#fetcher.isStopped) {
      // Who drains asks for nothing more; the others need not wait for it to say so.
      await this.#group.leave().catch(() => undefined)
      this.#hooks.lost(new Error('the group shares out anew while this worker drains'))
      this.#end()
    }
    if (this.#isEnding) return
    await this.#group.refresh(false)
    const before = this.#epoch
    const partitions = await this.#group.join().catch((error) => {
      // It has joined and heard nothing: what it has may be another's since then.
      if (this.#group.epoch.generation !== before.generation) this.#loseAll(error, false)
      throw error
    })
    const { memberId, generation } = this.#group.epoch
    const isContinuous = memberId === before.memberId && generation === before.generation + 1
    this.#mustJoin = false
    this.#heardAt = performance.now()
    this.#epoch = this.#group.epoch
    this.#unstarted = this.#hooks.assigned(partitions, isContinuous)
  }

  /** Heartbeats go on: they keep the membership while running jobs end. */
  async #handOver(): Promise<void> {
    const heart = setInterval(() => {
      this.#group.heartbeat().catch(() => undefined)
    }, this.#heartbeatMs)
    await this.#hooks.handOver()
    clearInterval(heart)
  }

  async #start(): Promise<void> {
    const partitions = this.#unstarted
    const isRestarted = (one: TopicPartition) => this.#restarted.has(nameOf(one))
    const known = [
      ...(await this.#group.committed(partitions.filter((one) => !isRestarted(one)))),
      ...partitions.filter(isRestarted).map((one) => ({ ...one, position: undefined, metadata: null })),
    ]
    const isNew = ({ position }: Committed) => position === undefined
    const starts: Start[] = known.flatMap(({ position, ...rest }) =>
      position === undefined ? [] : [{ ...rest, position }],
    )
    for (const edge of ['earliest', 'latest'] as const) {
      const fresh = known.filter((one) => isNew(one) && this.#options.edgeOf(one.topic) === edge)
      for (const [one, position] of await this.#group.edges(fresh, edge)) {
        starts.push({
          topic: one.topic,
          partition: one.partition,
          position,
          metadata: null,
          ...(!isRestarted(one) && { isUncommitted: true }),
        })
      }
    }
    this.#unstarted = []
    this.#restarted.clear()
    this.#hooks.started(starts)
  }

  /** Heartbeats and fetches until one of them fails. Rejects with why. */
  async #serve(): Promise<void> {
    const session = new Session()
    this.#session = session
    const heart = setInterval(() => this.#beat(session), this.#heartbeatMs)
    // After a silence nobody knows whether the group has waited.
    if (this.#failures > 0) void this.#beat(session)
    const fetching = this.#fetcher.run(session).catch((error) => session.end(error))
    try {
      await session.ended
    } finally {
      this.#session = undefined
      this.wake()
      clearInterval(heart)
    }
    await fetching
  }

  async #beat(session: Session): Promise<void> {
    if (session.isBeating) return
    session.isBeating = true
    try {
      await this.#group.heartbeat()
      this.#heardAt = performance.now()
      this.#failures = 0
    } catch (error) {
      session.end(error)
    }
    session.isBeating = false
  }

  /** False when it is over. */
  async #recover(error: unknown): Promise<boolean> {
    const fault = faultOf(error)
    if (fault === 'fatal') return this.#fail(error)
    if (fault === 'rejoin') {
      this.#mustJoin = true
      return true
    }
    if (fault === 'outdated' || fault === 'expelled') {
      this.#loseAll(error, fault === 'expelled')
      return true
    }
    const retryInMs = fullJitter(this.#failures++, BASE_DELAY_MS, MAX_DELAY_MS)
    this.#hooks.disconnected(error, retryInMs)
    if (fault === 'topics') this.#isConnected = false
    this.#group.forgetCoordinator()
    if (this.#failures % FAILURES_TO_RENEW === 0) {
      this.#group.renew()
      this.#isConnected = false
    }
    await this.#pause.wait(retryInMs)
    // The group may have given up this member by now; if it has not, the broker says so.
    if (this.#group.isMember && performance.now() - this.#heardAt > this.#options.sessionTimeoutMs) {
      this.#loseAll(error, true)
    }
    if (fault === 'stale' && this.#isConnected) await this.#group.refresh(true).catch(() => undefined)
    return true
  }

  /** What can't be fetched takes no membership with it: what runs may end and be committed, as in a drain. */
  #fail(error: unknown): boolean {
    const isMember = this.#group.isMember && !this.#mustJoin && !this.#fetcher.isStopped
    this.#fetcher.stop()
    this.#hooks.failed(fatalError(error))
    if (!isMember) this.#hooks.lost(error)
    return isMember
  }

  #loseAll(reason: unknown, isForgotten: boolean): void {
    if (isForgotten) this.#group.forgetMembership()
    this.#epoch = NO_EPOCH
    this.#mustJoin = true
    this.#unstarted = []
    this.#restarted.clear()
    this.#hooks.lost(reason)
  }
}
