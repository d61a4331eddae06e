import { HEADER as SHARED } from '../wire.ts'

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
  ...SHARED,
  /** Where the job was published first, when that was not the work exchange. */
  exchange: 'tidemill-exchange',
  routingKey: 'tidemill-routing-key',
  /** How often a suspect's worker vanished while it ran alone. Trusted on the suspects queue only. */
  crashes: 'tidemill-crashes',
} as const
