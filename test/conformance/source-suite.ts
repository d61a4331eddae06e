import { suite } from 'node:test'
import { crashTests } from './crash-suite.ts'
import type { Harness } from './harness.ts'
import { messageTests } from './message-suite.ts'
import { settleTests } from './settle-suite.ts'
import { sinkTests } from './sink-suite.ts'
import { stopTests } from './stop-suite.ts'
import { topologyTests } from './topology-suite.ts'

/** What every broker must do alike: the promises of `worker/contracts.ts`, one sentence each. */
export function conformance(name: string, harness: Harness): void {
  // Every test has a queue of its own, and most of their time is waiting for the broker.
  suite(`${name} conforms`, { concurrency: 8 }, () => {
    settleTests(harness)
    messageTests(harness)
    stopTests(harness)
    crashTests(harness)
    sinkTests(harness)
    topologyTests(harness)
  })
}
