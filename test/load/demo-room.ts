import type { TopologyItem } from '../../worker/contracts.ts'

/** What the demo does to a queue by hand, past tidemill: its contracts neither read dead letters nor remove anything. */
export interface DemoRoom {
  /** The ids of the dead letters, which stay where they are. */
  deadIds(): Promise<string[]>
  /** Removes the queue and all that belongs to it. */
  remove(items: readonly TopologyItem[]): Promise<void>
}
