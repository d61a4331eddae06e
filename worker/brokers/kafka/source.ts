import type { BrokerSettings, Deliveries, Delivery, Source, WorkerEvent } from '../../contracts.ts'
import type { TidemillError } from '../../errors.ts'
import { Outbox } from '../outbox.ts'
import { addressOf } from './address.ts'
import type { TopicPartition } from './assignment.ts'
import { openClient } from './client.ts'
import { Committer } from './committer.ts'
import type { Copy } from './copy.ts'
import { KafkaDelivery } from './delivery.ts'
import type { Fetched } from './fetch.ts'
import { Group } from './group.ts'
import { Holdings } from './holdings.ts'
import { Member } from './member.ts'
import { KafkaMessage } from './message.ts'
import { groupOf, type Topics, topicsOf } from './names.ts'
import { Publisher } from './publisher.ts'
import { type Next, Schedule } from './schedule.ts'
import { Settlements } from './settlements.ts'
import { missingTopic } from './topology.ts'

type Pulled = IteratorResult<Delivery, undefined>

const END: Pulled = Object.freeze({ done: true, value: undefined })
/** A copy that takes longer than this is a way that is not free. */
const PATIENCE_MS = 1_000
/** What a rebalance gets of the time that the broker waits for its members. */
const REBALANCE_SHARE = 0.9
const LAST_WORD_MS = 250
const MAX_TIMER_MS = 60_000

/** Jobs from a topic of Kafka and from its topics of retries, as a member of a consumer group. */
export class KafkaSource implements Source {
  readonly #settings: BrokerSettings
  readonly #observe: (event: WorkerEvent) => void
  readonly #topics: Topics
  readonly #publisher: Publisher
  readonly #outbox: Outbox<Copy>
  readonly #schedule: Schedule
  readonly #holdings: Holdings
  readonly #committer: Committer
  readonly #desk: Settlements
  readonly #group: Group
  readonly #member: Member
  readonly #readers: { resolve(pulled: Pulled): void; reject(error: Error): void }[] = []
  readonly #quiet = new Set<() => void>()
  #due: NodeJS.Timeout | undefined
  #isConnected = false
  #isHandingOver = false
  #error: TidemillError | undefined
  #stopping: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(settings: BrokerSettings, observe: (event: WorkerEvent) => void) {
    const { sessionTimeoutMs, rebalanceTimeoutMs, metadataMaxAgeMs, commitCount, commitIntervalMs } = settings
    this.#settings = settings
    this.#observe = observe
    this.#topics = topicsOf(settings.queue, settings.retryLadderMs)
    this.#publisher = new Publisher({
      settings,
      observe,
      patienceMs: PATIENCE_MS,
      onWritable: () => this.#outbox.wake(),
    })
    this.#outbox = new Outbox(
      (copy) => this.#publisher.publish(copy),
      observe,
      (held) => held || this.#pump(),
    )
    this.#schedule = new Schedule(commitCount)
    this.#holdings = new Holdings({ settings, topics: this.#topics, schedule: this.#schedule, observe })
    this.#group = new Group(() => openClient(settings), {
      groupId: groupOf(settings),
      topics: [this.#topics.work, ...this.#topics.retries.values()],
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      metadataMaxAgeMs,
    })
    this.#committer = new Committer({
      intervalMs: commitIntervalMs,
      count: Math.ceil(commitCount / 4),
      partitions: () => this.#schedule.partitions,
      epoch: () => this.#member.epoch,
      write: (commits, epoch) => this.#group.commit(commits, epoch),
      onCommitted: () => this.#onCommitted(),
      onFailed: (error, epoch) => this.#member.suspect(error, epoch),
    })
    this.#desk = new Settlements({
      settings,
      topics: this.#topics,
      outbox: this.#outbox,
      schedule: this.#schedule,
      committer: this.#committer,
      observe,
      onSettled: () => this.#settled(),
    })
    this.#member = new Member({
      group: this.#group,
      hooks: {
        handOver: () => this.#handOver(),
        assigned: (partitions, isContinuous) => this.#assigned(partitions, isContinuous),
        started: (starts) => {
          this.#holdings.started(starts)
          this.#member.wake()
        },
        wanted: () => this.#holdings.wanted(),
        lastsMs: () => this.#holdings.lastsMs(performance.now()),
        fetched: (answer) => this.#fetched(answer),
        outOfRange: (partition) => this.#outOfRange(partition),
        lost: (reason) => this.#lost(reason),
        failed: (error) => this.#fail(error),
        missing: (topics) => observe({ name: 'topology-fault', faults: topics.map(missingTopic) }),
        connected: () => this.#connected(),
        disconnected: (error, retryInMs) => this.#disconnected(error, retryInMs),
      },
      sessionTimeoutMs,
      // A retry was asked for by somebody who waits for it.
      edgeOf: (topic) => (topic === this.#topics.work ? settings.offsetReset : 'earliest'),
    })
  }

  get ready(): boolean {
    return this.#member.ready
  }

  deliveries(): Deliveries {
    if (this.#stopping === undefined) this.#member.open()
    const iterator = { poll: () => this.#poll(), next: () => this.#next(), return: () => this.#return() }
    return { [Symbol.asyncIterator]: () => iterator }
  }

  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop())
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  #settled(): void {
    if (this.#schedule.inHand === 0 && this.#quiet.size > 0) for (const wake of [...this.#quiet]) wake()
    if (this.#readers.length > 0) this.#pump()
  }

  /** Who waits goes first. */
  #poll(): Delivery | undefined {
    return this.#readers.length === 0 && this.#error === undefined ? this.#pull() : undefined
  }

  #next(): Promise<Pulled> {
    if (this.#error !== undefined) return Promise.reject(this.#error)
    if (this.#stopping !== undefined) return Promise.resolve(END)
    const delivery = this.#poll()
    if (delivery !== undefined) return Promise.resolve({ done: false, value: delivery })
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }))
  }

  async #return(): Promise<Pulled> {
    await this.stop()
    return END
  }

  /** Hands out what may start to those who wait for it. */
  #pump(): void {
    while (this.#readers.length > 0) {
      const delivery = this.#pull()
      if (delivery === undefined) return
      this.#readers.shift()!.resolve({ done: false, value: delivery })
    }
  }

  #pull(): Delivery | undefined {
    if (this.#isHandingOver || this.#outbox.holding || this.#stopping !== undefined) return undefined
    for (;;) {
      const next = this.#schedule.next(Date.now)
      if (next === undefined) break
      const delivery = this.#deliver(next)
      if (this.#holdings.hasGrownHungry(next.partition)) this.#member.wake()
      if (!next.condemned) return delivery
      void this.#desk.condemn(delivery)
    }
    this.#lookAhead()
    return undefined
  }

  #deliver({ partition, taken }: Next): KafkaDelivery {
    const { topic, partition: number } = partition
    const message = new KafkaMessage(taken.record, topic, number, this.#settings, taken.offset < partition.againBelow)
    return new KafkaDelivery(message, partition, taken, this.#desk)
  }

  /** Sees to it that what could not start now is looked at again: after a commit, or when it is due. */
  #lookAhead(): void {
    let wantsCommit = false
    for (const partition of this.#schedule.partitions) wantsCommit = partition.askedForCommit() || wantsCommit
    if (wantsCommit) this.#committer.soon()
    clearTimeout(this.#due)
    this.#due = undefined
    const { dueAt } = this.#schedule
    if (dueAt === Number.POSITIVE_INFINITY || this.#stopping !== undefined) return
    this.#due = setTimeout(() => this.#pump(), Math.min(MAX_TIMER_MS, Math.max(1, dueAt - Date.now())))
  }

  #fetched(answer: Fetched): void {
    const partition = this.#holdings.find(answer)
    if (partition === undefined) return
    partition.deliver(answer)
    if (partition.isolated) this.#schedule.refresh()
    this.#pump()
  }

  #onCommitted(): void {
    this.#schedule.refresh()
    this.#pump()
  }

  /** Others wait: starts nothing more, lets what runs end, and commits it. */
  async #handOver(): Promise<void> {
    const { handOverMs, rebalanceTimeoutMs } = this.#settings
    this.#isHandingOver = true
    const longestMs = rebalanceTimeoutMs * REBALANCE_SHARE
    if (this.#stopping === undefined) await this.#untilQuiet(handOverMs)
    // A drain has a deadline of its own, and nobody wants its jobs to run twice.
    if (this.#stopping !== undefined) await this.#untilQuiet(longestMs - handOverMs)
    this.#holdings.leave()
    await this.#committer.flush(this.#settings.closeTimeoutMs)
  }

  /** Waits until nothing is in hand, at most `timeoutMs`. */
  #untilQuiet(timeoutMs: number): Promise<void> {
    if (this.#schedule.inHand === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        this.#quiet.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, timeoutMs)
      this.#quiet.add(wake)
    })
  }

  #assigned(assigned: readonly TopicPartition[], isContinuous: boolean): readonly TopicPartition[] {
    const fresh = this.#holdings.assigned(assigned, isContinuous)
    this.#isHandingOver = false
    this.#outbox.wake()
    this.#pump()
    return fresh
  }

  #outOfRange(where: TopicPartition): void {
    if (this.#holdings.outOfRange(where)) this.#member.restart(where)
  }

  #lost(reason: unknown): void {
    this.#holdings.loseAll(reason)
    this.#isHandingOver = false
    this.#outbox.wake()
  }

  #fail(error: TidemillError): void {
    this.#error ??= error
    for (const { reject } of this.#readers.splice(0)) reject(error)
  }

  #connected(): void {
    if (this.#isConnected) return
    this.#isConnected = true
    this.#observe({ name: 'connection', role: 'consume', status: 'connected', peer: addressOf(this.#settings).peer })
    // It is not in the way of the first delivery.
    this.#publisher.open()
  }

  #disconnected(error: unknown, retryInMs: number): void {
    const status = this.#isConnected ? 'lost' : 'failed'
    this.#isConnected = false
    this.#observe({ name: 'connection', role: 'consume', status, error, retryInMs })
  }

  async #stop(): Promise<void> {
    for (const { resolve } of this.#readers.splice(0)) resolve(END)
    clearTimeout(this.#due)
    this.#member.stopFetching()
    this.#holdings.leave()
    this.#committer.soon()
  }

  async #close(): Promise<void> {
    const end = performance.now() + this.#settings.closeTimeoutMs
    const left = (): number => Math.max(LAST_WORD_MS, end - performance.now())
    await this.stop()
    // Copies that are on their way: their jobs would come again.
    if (this.#outbox.busy > 0) await this.#untilQuiet(left() / 2)
    this.#outbox.stop()
    await this.#committer.flush(left())
    this.#holdings.close()
    for (const wake of [...this.#quiet]) wake()
    this.#committer.stop()
    await Promise.all([this.#member.leave(left()), this.#publisher.close(left())])
  }
}
