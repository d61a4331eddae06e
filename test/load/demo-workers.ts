import type { WorkerView } from './demo-view.ts'
import { InnerWorker } from './inner-worker.ts'
import type { LoadWorker } from './load-worker.ts'
import type { LedgerTail } from './tail.ts'

const ENDED_BY_SIGNAL = 128

/** A worker as the demo shows and drains it. */
export class DemoWorker {
  /** Its exit code; 128 when a signal ended it. */
  readonly ended: Promise<number>
  readonly #worker: LoadWorker
  readonly #tail: LedgerTail
  #hasWorked = false

  constructor(worker: LoadWorker, tail: LedgerTail) {
    this.#worker = worker
    this.#tail = tail
    this.ended = worker.ended.then(({ code }) => code ?? ENDED_BY_SIGNAL)
  }

  /** The last it wrote, for when it fails. */
  get output(): string {
    return this.#worker.output
  }

  /** What there is to show of it. */
  get view(): WorkerView {
    const { name, pid, isRunning, isLeaving, inHand } = this.#worker
    this.#hasWorked ||= inHand.size > 0
    const running = isLeaving ? 'draining' : this.#hasWorked ? 'working' : 'starting'
    const isInner = this.#worker instanceof InnerWorker
    return { name, pid: isInner ? undefined : pid, inFlight: inHand.size, state: isRunning ? running : 'ended' }
  }

  /**
   * Asks it to drain, provided that it has at least `atLeast` jobs in hand. Resolves with how many it had; undefined: it had fewer
   * and was left alone.
   */
  async drain(atLeast: number): Promise<number | undefined> {
    await this.#worker.spoke
    if (!this.#worker.isRunning) return undefined
    // Held still for a moment, so that what the ledger says is what it has in hand when the signal comes.
    await this.#worker.freeze()
    await this.#tail.read()
    const inFlight = this.#worker.inHand.size
    const isEnough = inFlight >= atLeast
    if (isEnough) this.#worker.term()
    this.#worker.thaw()
    return isEnough ? inFlight : undefined
  }

  kill(): void {
    this.#worker.kill()
  }
}
