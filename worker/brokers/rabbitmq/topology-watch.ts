import type { BrokerSettings, WorkerEvent } from '../../contracts.ts'
import { fullJitter } from '../waiting.ts'
import type { Line } from './dial.ts'
import { verifyOn } from './topology.ts'

const BASE_DELAY_MS = 1_000
const MAX_DELAY_MS = 30_000

/** Looks at the topology after each connect, and again for as long as something is missing. */
export class TopologyWatch {
  readonly #settings: BrokerSettings
  readonly #observe: (event: WorkerEvent) => void
  readonly #onComplete: () => void
  #line: Line | undefined
  #timer: NodeJS.Timeout | undefined
  #looking = false
  #failures = 0
  #told = ''
  #seen = false

  /** `onComplete` is told when what was missing is there. */
  constructor(settings: BrokerSettings, observe: (event: WorkerEvent) => void, onComplete: () => void) {
    this.#settings = settings
    this.#observe = observe
    this.#onComplete = onComplete
  }

  up(line: Line): void {
    this.#line = line
    this.#failures = 0
    this.#seen = false
  }

  down(): void {
    this.#line = undefined
    clearTimeout(this.#timer)
  }

  stop(): void {
    this.down()
  }

  /** Looks, unless it has looked since the last connect. */
  lookOnce(): void {
    if (!this.#seen) this.look()
  }

  /** Looks now, unless it is looking already. */
  look(): void {
    const line = this.#line
    if (line === undefined || this.#looking) return
    clearTimeout(this.#timer)
    this.#looking = true
    this.#seen = true
    void this.#look(line).finally(() => {
      this.#looking = false
    })
  }

  async #look(line: Line): Promise<void> {
    try {
      const faults = await verifyOn(line, this.#settings)
      if (line !== this.#line) return
      const told = faults.map(({ kind, name }) => `${kind} ${name}`).join()
      if (faults.length > 0 && told !== this.#told) this.#observe({ name: 'topology-fault', faults })
      const completed = faults.length === 0 && this.#told !== ''
      this.#told = told
      if (completed) this.#onComplete()
      if (faults.length === 0) return
    } catch {
      // No answer: the connection is on its way out and tells so itself; where it is not, look again.
      if (line !== this.#line) return
    }
    this.#timer = setTimeout(
      () => this.look(),
      BASE_DELAY_MS + fullJitter(this.#failures++, BASE_DELAY_MS, MAX_DELAY_MS),
    )
  }
}
