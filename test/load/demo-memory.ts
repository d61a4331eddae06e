import { memoryBroker } from '../../worker/brokers/memory/index.ts'
import type { DemoRoom } from './demo-room.ts'

/** A queue of the demo on the memory broker. */
export class MemoryRoom implements DemoRoom {
  readonly #name: string
  readonly #queue: string

  constructor(url: string, queue: string) {
    this.#name = new URL(url).hostname
    this.#queue = queue
  }

  async deadIds(): Promise<string[]> {
    const letters = memoryBroker(this.#name).dead(this.#queue)
    return letters.map(({ messageId }) => messageId ?? '')
  }

  async remove(): Promise<void> {
    memoryBroker(this.#name).clear()
  }
}
