import type { WorkerState } from './contracts.ts'
import { TidemillError } from './errors.ts'

const NEXT: Readonly<Record<WorkerState, readonly WorkerState[]>> = {
  starting: ['running', 'draining', 'failed'],
  running: ['draining', 'failed'],
  draining: ['stopped', 'failed'],
  failed: ['stopped'],
  stopped: [],
}

/** The worker's state: `starting -> running -> draining -> stopped`; `failed` from any but `stopped`, and it ends in `stopped` too. */
export class Lifecycle {
  #state: WorkerState = 'starting'
  readonly #changed: (from: WorkerState, to: WorkerState) => void

  constructor(changed: (from: WorkerState, to: WorkerState) => void) {
    this.#changed = changed
  }

  get state(): WorkerState {
    return this.#state
  }

  /** Moves on and tells the listener. @throws TidemillError `ILLEGAL_STATE` when there is no such transition */
  to(next: WorkerState): void {
    const from = this.#state
    if (!NEXT[from].includes(next)) {
      const allowed = NEXT[from].join(' or ') || 'nothing'
      throw new TidemillError('ILLEGAL_STATE', `a worker that is ${from} can become ${allowed}, not ${next}`)
    }
    this.#state = next
    this.#changed(from, next)
  }
}
