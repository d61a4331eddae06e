import type { WorkerDefinition } from '../../worker/define.ts'
import { slowOrders } from './slow-orders.ts'

/**
 * The worker of a load that brings none. Jobs of 80 to 300 ms, at a steady rate, are what shows a worker that acknowledges before the
 * work: in a burst of short ones nothing is lost that was not also done.
 */
export function loadOrders(root: string): WorkerDefinition {
  return slowOrders(root, { queue: 'load', concurrency: 10, waitMs: [80, 300], retryLadderMs: [1_000, 5_000] })
}
