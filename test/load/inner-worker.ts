import type { WorkerDefinition } from '../../worker/define.ts'
import { createWorker, type Worker } from '../../worker/worker.ts'
import type { LoadWorker, WorkerEnd } from './load-worker.ts'
import { recorded } from './recorded.ts'
import type { LedgerTail } from './tail.ts'

export interface InnerWorkerOptions {
  readonly name: string
  /** Stands in the ledger for the process that it is not. */
  readonly pid: number
  readonly definition: WorkerDefinition
  readonly broker: string
  readonly queue: string
  /** The folder of the ledger. */
  readonly ledger: string
  readonly tail: LedgerTail
}

const EXIT_ABANDONED = 75

/** A worker inside this process, for the memory broker, which no other process could reach. It can be drained, not killed. */
export class InnerWorker implements LoadWorker {
  readonly name: string
  readonly pid: number
  readonly output = ''
  readonly ended: Promise<WorkerEnd>
  readonly spoke = Promise.resolve()
  readonly #worker: Worker
  readonly #tail: LedgerTail
  #isLeaving = false

  constructor({ name, pid, definition, broker, queue, ledger, tail }: InnerWorkerOptions) {
    this.name = name
    this.pid = pid
    this.#tail = tail
    this.#worker = createWorker(recorded(definition, ledger, pid), { broker, settings: { queue } })
    this.ended = this.#worker.finished.then(({ abandoned, error }) => ({
      code: error ? 1 : abandoned > 0 ? EXIT_ABANDONED : 0,
      signal: null,
    }))
    // `ended` tells of a failure.
    this.#worker.start().catch(() => {})
  }

  get isRunning(): boolean {
    return !['stopped', 'failed'].includes(this.#worker.state)
  }

  get isLeaving(): boolean {
    return this.#isLeaving
  }

  get inHand(): ReadonlySet<string> {
    return this.#tail.inHandOf(this.pid)
  }

  owns(pid: number): boolean {
    return pid === this.pid
  }

  adopt(): void {}

  /** Nothing else runs in this process between this and what follows at once. */
  async freeze(): Promise<void> {}

  thaw(): void {}

  term(): void {
    this.#isLeaving = true
    void this.#worker.drain()
  }

  kill(): void {
    this.#isLeaving = true
    this.#worker.abort()
  }
}
