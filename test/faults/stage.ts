import type { Ledger } from '../load/ledger.ts'

/** A dead letter, as its broker keeps it. */
export interface DeadLetter {
  readonly id: string
  readonly type: string
  readonly body: Buffer
  readonly headers: Readonly<Record<string, unknown>>
}

/** One broker's part of a scenario: a queue of the test's own, with all that belongs to it. */
export interface Stage {
  readonly queue: string
  /** The broker itself. */
  readonly url: string
  /** How many dead letters there are now. */
  countDead(): Promise<number>
  takeDead(): Promise<readonly DeadLetter[]>
  /** What is not settled yet, in words; nothing when there are dead letters only. */
  left(): Promise<readonly string[]>
  /** What the broker's own books say against a run that is over, a sentence each. */
  breaches(ledger: Ledger): Promise<readonly string[]>
}
