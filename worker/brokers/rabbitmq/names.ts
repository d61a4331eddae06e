/** The names on the broker that belong to one queue. */
export interface Names {
  readonly queue: string
  readonly suspects: string
  readonly dead: string
  readonly workExchange: string
  readonly retryExchange: string
  readonly deadExchange: string
  /** The wait queue of a rung. */
  rung(delayMs: number): string
}

/** What a queue's exchanges and queues are called: part of the wire format. */
export function namesOf(queue: string): Names {
  return {
    queue,
    suspects: `${queue}.suspects`,
    dead: `${queue}.dead`,
    workExchange: `${queue}.work`,
    retryExchange: `${queue}.retry`,
    deadExchange: `${queue}.dead`,
    rung: (delayMs) => `${queue}.retry.${delayMs}`,
  }
}

/** The headers of tidemill: part of the wire format. */
export const HEADER = {
  /** The ordering key. */
  key: 'tidemill-key',
  /** When the producer enqueued the job, ms since the epoch. */
  enqueuedAt: 'tidemill-enqueued-at',
  /** The number of the coming try, from 2 on. */
  attempt: 'tidemill-attempt',
  retryReason: 'tidemill-retry-reason',
  retryError: 'tidemill-retry-error',
  /** Where the job was published first, when that was not the work exchange. */
  exchange: 'tidemill-exchange',
  routingKey: 'tidemill-routing-key',
  deadReason: 'tidemill-dead-reason',
  deadError: 'tidemill-dead-error',
  /** ms since the epoch. */
  deadAt: 'tidemill-dead-at',
  /** How often a suspect's worker vanished while it ran alone. Trusted on the suspects queue only. */
  crashes: 'tidemill-crashes',
} as const
