/**
 * The nouns that every room of tidemill shares. This file holds no behaviour, and imports nothing that does.
 */
import type { DeadReason, Outcome, RetryReason } from './outcome.ts'

export type { BrokerSettings } from './broker-settings.ts'
export { DEAD_REASONS, RETRY_REASONS } from './outcome.ts'
export type { DeadReason, Outcome, RetryReason }

/** A job as the broker delivered it, not yet decoded. Read-only: retries and dead letters copy the raw original, never this view. */
export interface Message {
  /** The idempotency key: the producer's message id, or a hash of type and body where there was none. */
  readonly id: string
  /** True when `id` was derived, because the producer sent none. */
  readonly idDerived: boolean
  /** The job's type; an empty string when neither the message nor the worker's `defaultType` names one. */
  readonly type: string
  /** The body exactly as it came from the broker. */
  readonly body: Uint8Array
  /** The MIME type that the producer declared for the body. */
  readonly contentType?: string | undefined
  /** The content encoding that the producer declared (`gzip`, ...), absent for plain bytes. */
  readonly contentEncoding?: string | undefined
  /** The ordering key, where the producer gave one. */
  readonly key?: string | undefined
  /** A null-prototype view of the headers, values as strings. */
  readonly headers: Readonly<Record<string, string>>
  /** Which try this is, from 1. Interruptions by a drain do not count. */
  readonly attempt: number
  /** When the producer enqueued it, in ms since the epoch, where it said so. */
  readonly enqueuedAt?: number | undefined
  /** True when the broker says that it delivered this message before. A hint only. */
  readonly redelivered: boolean
}

/** Why a thread for CPU-bound handlers was replaced. A closed list: it is a metric label. */
export const THREAD_ENDS = ['aborted', 'died'] as const
export type ThreadEnd = (typeof THREAD_ENDS)[number]

/** Why the number of jobs that may run at once was changed. A closed list: but for `recovered`, it is a metric label. */
export const GUARD_REASONS = ['event-loop', 'memory', 'heap', 'recovered'] as const
export type GuardReason = (typeof GUARD_REASONS)[number]

/** One job on loan from the broker. */
export interface Delivery {
  readonly message: Message
  /** Aborts when the broker has taken the job back. One signal may serve many deliveries. */
  readonly lease: AbortSignal
  /**
   * Settles the delivery; the first call counts, later ones return false. Never rejects.
   * True: written while the lease held (a broker does not confirm acknowledgements), and a retry's or dead letter's copy confirmed.
   * False: the lease was lost first; the job will come again.
   * For `retry` and `dead` it stays pending for as long as the copy can't be written and the source holds the job.
   */
  settle(outcome: Outcome): Promise<boolean>
}

/** What `settle` returns where all is written at once, so that whoever knows it by identity need not wait for it. */
export const WRITTEN: Promise<boolean> = Promise.resolve(true)
/** What it returns where nothing was written, which is known at once. */
export const NOT_WRITTEN: Promise<boolean> = Promise.resolve(false)

/** Deliveries, as they come. */
export interface Deliveries {
  [Symbol.asyncIterator](): DeliveryIterator
}

export interface DeliveryIterator extends AsyncIterator<Delivery> {
  /** The next delivery where it is here already. Undefined: ask with `next`, which waits, ends and rejects. */
  poll?(): Delivery | undefined
}

/** Where a worker's jobs come from. */
export interface Source {
  /** True while connected and consuming. */
  readonly ready: boolean
  /** Connects (for ever, with back-off) and yields. Pulling is the only back-pressure. Called once. Ends after `stop`. Rejects only with a fatal TidemillError. */
  deliveries(): Deliveries
  /** Fetches no more, gives back what was fetched but not yielded, ends the iterable; what was yielded can still be settled. Idempotent, bounded, never rejects. */
  stop(): Promise<void>
  /** Flushes settlements and disconnects; unsettled deliveries return to the broker. Idempotent, bounded, never rejects. */
  close(): Promise<void>
}

/** A job on its way to the broker. */
export interface Outgoing {
  readonly id: string
  readonly type: string
  readonly body: Uint8Array
  readonly contentType: string
  readonly key?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** ms since the epoch. */
  readonly enqueuedAt: number
}

/** Where a producer's jobs go. */
export interface Sink {
  /**
   * Resolves when the broker confirmed the job *and* routed it to the queue. Rejects with a TidemillError:
   * `UNROUTABLE`, `REFUSED` (nacked), `BLOCKED` or `CONFIRM_TIMEOUT` (outcome unknown), `CONNECTION_LOST` (outcome unknown), `CLOSED`.
   */
  send(job: Outgoing): Promise<void>
  /** Waits (bounded) for what is unconfirmed and disconnects. Idempotent, never rejects. */
  close(): Promise<void>
}

/** The state of a queue, read from the broker. `undefined`: this way of reading can't know it. */
export interface BacklogReading {
  readonly queue: string
  /** Waiting to be delivered; with what is delivered and not settled, where the broker can't tell them apart. */
  readonly ready: number
  /** Delivered and not settled. */
  readonly unacknowledged: number | undefined
  /** In the suspects queue (ready there). */
  readonly suspects: number
  /** In the retry ladder, not yet due. */
  readonly waiting: number
  /** In the dead-letter queue. */
  readonly dead: number
  readonly consumers: number
  /** Messages ever published into the work queue since the broker began to count. */
  readonly published: number | undefined
  /** When it was read, ms since the epoch. */
  readonly readAt: number
  /** How it was read. */
  readonly via: 'amqp' | 'management' | 'admin' | 'memory'
  /** `ready` by partition, where the queue has such. */
  readonly partitions?: readonly PartitionBacklog[] | undefined
}

/** What waits in one partition of a queue. */
export interface PartitionBacklog {
  readonly partition: number
  readonly ready: number
}

/** Reads the backlog. A reading that failed rejects: it is never the number 0. */
export interface Backlog {
  read(): Promise<BacklogReading>
  close(): Promise<void>
}

/** One thing that a topology needs on the broker. */
export interface TopologyItem {
  readonly kind: 'queue' | 'exchange' | 'binding' | 'topic'
  readonly name: string
  /** What it is for, one sentence. */
  readonly purpose: string
  /** Declaration arguments, printable as JSON. */
  readonly settings: Readonly<Record<string, unknown>>
}

export interface TopologyFault {
  readonly kind: TopologyItem['kind']
  readonly name: string
  readonly expected: string
  readonly got: string
}

/** What a queue needs on the broker besides itself. */
export interface Topology {
  /** What `apply` would declare; pure, needs no broker where the broker's version does not matter. */
  print(): Promise<readonly TopologyItem[]>
  /** Declares all of it; idempotent. Rejects with `TOPOLOGY_CONFLICT` where something of that name exists with other settings. */
  apply(): Promise<readonly TopologyItem[]>
  /** Checks passively, with a worker's rights; an empty list means all is there. */
  verify(): Promise<readonly TopologyFault[]>
  close(): Promise<void>
}

/** What a broker can do; selects what the conformance suite asserts. */
export interface Features {
  /** Messages outlive a restart of the broker. */
  readonly durable: boolean
  /** Counts deliveries of a message, so that a crash loop can be seen. */
  readonly countsDeliveries: boolean
  /** Order is kept per key. */
  readonly ordersByKey: boolean
  /** A backlog's `ready` leaves out what is delivered and not settled. */
  readonly separatesInFlight: boolean
}

/** A broker as the worker sees it: factories of the parts, which connect when used. */
export interface Broker {
  readonly name: string
  readonly features: Features
  source(): Source
  sink(): Sink
  backlog(): Backlog
  topology(): Topology
}

/** What happened, told to observers (metrics, log, the user's listeners). Rare events only: started and settled jobs have methods of their own. */
export type WorkerEvent =
  | { readonly name: 'state'; readonly from: WorkerState; readonly to: WorkerState }
  | {
      readonly name: 'connection'
      readonly role: 'consume' | 'publish'
      readonly status: 'connected' | 'lost' | 'failed'
      readonly error?: unknown
      /** How long until the next try, where there is one. */
      readonly retryInMs?: number
      /** What is on the other side, on `connected`. */
      readonly peer?: string
    }
  /** The broker cancelled the consumer or closed the channel; the source consumes again by itself. */
  | { readonly name: 'consumer-lost'; readonly reason: string }
  /** The partitions of the queue were shared out anew among its workers. */
  | { readonly name: 'assignment'; readonly assigned: number; readonly gained: number; readonly lost: number }
  /** The group has no committed offset for so many partitions of the queue, never had or no longer: they begin at an edge of their logs. */
  | {
      readonly name: 'offsets-missing'
      readonly topic: string
      readonly partitions: number
      readonly to: 'earliest' | 'latest'
    }
  /** The broker no longer has what comes next, or never had it: the partition begins anew at an edge of its log. */
  | {
      readonly name: 'offset-reset'
      readonly partition: string
      readonly offset: number
      readonly to: 'earliest' | 'latest'
    }
  /** What an earlier worker noted of its progress is of no use: jobs that it finished may run again. */
  | { readonly name: 'progress-unreadable'; readonly partition: string; readonly reason: string }
  /** The topology does not fit; the source looks again by itself. */
  | { readonly name: 'topology-fault'; readonly faults: readonly TopologyFault[] }
  | { readonly name: 'blocked'; readonly blocked: boolean; readonly reason?: string }
  /** Retries or dead letters can't be written: jobs are held unacknowledged and no more are pulled. */
  | { readonly name: 'held'; readonly held: boolean; readonly jobs: number; readonly reason?: string }
  /** Settlements that came after the lease was lost. */
  | { readonly name: 'late-settlement'; readonly message: Message }
  | {
      readonly name: 'suspect'
      readonly action: 'moved' | 'running' | 'condemned'
      readonly message: Message
      readonly crashes: number
    }
  /** Dead-lettered by the source itself (crash loop), not by the pool. */
  | { readonly name: 'dead'; readonly message: Message; readonly reason: DeadReason }
  /** A job ignored its abort past the grace; its slot was freed. */
  | { readonly name: 'stuck'; readonly message: Message; readonly type: string; readonly stuck: number }
  /** A job over its type's limit was put off, uncounted. */
  | { readonly name: 'deferred'; readonly message: Message; readonly type: string }
  /** The guard lets fewer jobs run at once, or more again. `memory` and `heap` are parts of what there is, 0 to 1. */
  | {
      readonly name: 'limit'
      readonly from: number
      readonly to: number
      readonly reason: GuardReason
      readonly loopDelayMs: number
      readonly memory: number | undefined
      readonly heap: number
    }
  /** A thread for CPU-bound handlers is gone, another one takes its place: its job did not yield to its abort, or it died by itself. */
  | { readonly name: 'thread-replaced'; readonly cause: ThreadEnd; readonly error?: unknown }
  /** A stuck job came to an end after all. */
  | { readonly name: 'unstuck'; readonly message: Message; readonly type: string; readonly stuck: number }
  | {
      readonly name: 'drain'
      readonly phase: 'begun' | 'aborting' | 'finished'
      readonly inFlight: number
      readonly abandoned: number
      readonly elapsedMs: number
    }

/** `starting -> running -> draining -> stopped`; `failed` from any but `stopped`. */
export type WorkerState = 'starting' | 'running' | 'draining' | 'stopped' | 'failed'

/** Sees everything that happens to jobs. Methods must not throw and must be cheap: `started` and `settled` are on the path of every job. */
export interface Observer {
  /** `type` is the registered type or `unknown`; `waitMs` is the time since it was enqueued, on a first attempt that says when. */
  started(message: Message, type: string, waitMs: number | undefined): void
  /** `runMs` is the handler's time; `written` is what `settle` returned. */
  settled(message: Message, type: string, outcome: Outcome, runMs: number, written: boolean): void
  event(event: WorkerEvent): void
}

/** The few methods of a logger that handlers and rooms use; pino's loggers fit. */
export interface Logger {
  debug(fields: object, message?: string): void
  info(fields: object, message?: string): void
  warn(fields: object, message?: string): void
  error(fields: object, message?: string): void
}
